import { expect, it } from "vitest";
import { ago } from "./Time";

it("says how long ago in the largest fitting unit", () => {
  const now = new Date("2026-11-22T14:05:00Z");
  const before = (seconds: number) => ago(new Date(now.getTime() - seconds * 1000), now);
  expect(before(3)).toBe("now");
  expect(before(40)).toBe("40 seconds ago");
  expect(before(3600 * 5)).toBe("5 hours ago");
  expect(before(86400)).toBe("yesterday");
  expect(before(86400 * 400)).toBe("last year");
  expect(before(-86400 * 2)).toBe("in 2 days");
});
