import { expect, test } from "vitest";
import { fromField, toField } from "./SpanFilter";

test("a time comes back from its field, to the minute", () => {
  for (const zone of ["utc", "browser"] as const) {
    expect(fromField(toField("2026-07-22T14:05:33.123Z", zone), zone)).toBe("2026-07-22T14:05:00.000Z");
    expect(fromField(toField("2026-01-22T23:59:00.000Z", zone), zone)).toBe("2026-01-22T23:59:00.000Z");
  }
  expect(toField("2026-07-22T14:05:33.123Z", "utc")).toBe("2026-07-22T14:05");
});

test("what is no time is none", () => {
  expect([toField(undefined, "utc"), toField("yesterday", "browser")]).toEqual(["", ""]);
  expect([fromField("", "utc"), fromField("x", "browser")]).toEqual([undefined, undefined]);
});
