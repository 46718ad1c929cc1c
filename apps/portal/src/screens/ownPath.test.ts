import { expect, test } from "vitest";
import { ownPath } from "./ownPath";

test("signing in leads to paths of the portal alone", () => {
  for (const own of ["/", "/rooms", "/rooms/1/live"]) expect(ownPath(own)).toBe(own);
  for (const other of [
    null,
    undefined,
    "",
    "rooms",
    "//elsewhere.example",
    "/\\elsewhere.example",
    "https://elsewhere.example",
    "javascript:alert(1)",
  ]) {
    expect(ownPath(other)).toBe("/");
  }
});
