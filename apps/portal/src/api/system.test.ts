import { expect, it } from "vitest";
import { duration } from "./system";

it("says how long something is in two units", () => {
  expect([0, 59, 60, 3725, 90_000, 2_592_000].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "1 h 2 min",
    "1 d 1 h",
    "30 d",
  ]);
});
