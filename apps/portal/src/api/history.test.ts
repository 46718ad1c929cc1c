import { expect, it } from "vitest";
import { momentOf, nameOf, type SessionEvent } from "./history";

it("calls people what the application called them, else by their id", () => {
  const named = (context: string | null) => nameOf({ id: "0123456789", context }, "0123456789");
  expect(named("Ada")).toBe("Ada");
  expect(named('{"id": 7, "username": "Ada"}')).toBe("Ada");
  expect(named('{"id": 7}')).toBe('{"id": 7}');
  expect(named('"Ada"')).toBe('"Ada"');
  expect(named(null)).toBe("01234567");
  expect(named("  ")).toBe("01234567");
  expect(nameOf(undefined, "0123456789")).toBe("01234567");
});

it("takes the first millisecond at which an event had happened", () => {
  const at = (occurred_at: string) => momentOf({ occurred_at, cursor: "1", type: "" } satisfies SessionEvent);
  expect(at("2026-02-02T22:25:27.521000Z")).toBe(Date.UTC(2026, 1, 2, 22, 25, 27, 521));
  expect(at("2026-02-02T22:25:27.521001Z")).toBe(Date.UTC(2026, 1, 2, 22, 25, 27, 522));
});
