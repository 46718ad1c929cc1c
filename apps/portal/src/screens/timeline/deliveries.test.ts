import { expect, test } from "vitest";
import type { SessionDelivery } from "../../api/history";
import { pageAfter, together } from "./useDeliveries";

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
