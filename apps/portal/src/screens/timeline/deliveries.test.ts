import { expect, test } from "vitest";
import type { SessionDelivery } from "../../api/history";
import { joined, pageAfter, together } from "./useDeliveries";

type Status = SessionDelivery["status"];
const delivery = (id: string, at: string, status: Status = "delivered"): SessionDelivery => ({
  id,
  status,
  webhook: { event_type: "x", occurred_at: at },
});
const page = (data: SessionDelivery[]) => ({
  data,
  meta: { total_pages: 1, total_results: 1, page_number: 1, page_size: 250 },
});
const full = (at: (i: number) => string) =>
  page(Array.from({ length: 250 }, (_, i) => delivery(`${i}`, at(i))));

test("a full page leads to the one before, from its last time on", () => {
  expect(pageAfter(full((i) => `2026-01-01T00:00:00.${999 - i}000Z`))).toBe("2026-01-01T00:00:00.750000Z");
  expect(pageAfter(page([delivery("a", "2026")]))).toBeUndefined();
  expect(pageAfter(page([]))).toBeUndefined();
  expect(pageAfter(full(() => "2026")), "no further where all are of one time").toBeUndefined();
});

test("pages overlap, and what is newer known counts", () => {
  const items = together([
    [delivery("c", "3"), delivery("b", "2")],
    [delivery("b", "2", "pending"), delivery("a", "1")],
  ]);
  expect(items.map(({ id, status }) => `${id} ${status}`)).toEqual([
    "c delivered",
    "b delivered",
    "a delivered",
  ]);
});

test("what is new is joined to what is known, however much it is", async () => {
  const stamp = (n: number) => `2026-01-01T00:00:00.${String(n).padStart(6, "0")}Z`;
  const all = Array.from({ length: 900 }, (_, i) => delivery(`${900 - i}`, stamp(900 - i)));
  const asked: (string | undefined)[] = [];
  const ask = async (at: string | undefined) => {
    asked.push(at);
    const found = all.filter(({ webhook }) => at === undefined || webhook.occurred_at <= at);
    return { ...page(found.slice(0, 250)), meta: { ...page([]).meta, total_results: 900 } };
  };
  const first = await joined(undefined, ask);
  expect([first.data.length, asked.length]).toEqual([250, 1]);
  const known = page(all.slice(600, 700));
  const then = await joined(known, ask);
  expect(then.data.map(({ id }) => id)).toEqual(all.slice(0, 748).map(({ id }) => id));
  expect([asked.slice(1), then.meta.total_results]).toEqual([[undefined, stamp(651), stamp(402)], 900]);
});
