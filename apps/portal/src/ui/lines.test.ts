import { expect, test } from "vitest";
import { apart, readLines } from "./lines";

test("names stand where their lines end, one below another, and none below the plot", () => {
  expect(apart([10, 100], 14, 180)).toEqual([10, 100]);
  expect(apart([10, 12, 13], 14, 180)).toEqual([10, 24, 38]);
  expect(apart([170, 175, 180], 14, 180)).toEqual([152, 166, 180]);
  expect(apart([], 14, 180)).toEqual([]);
});

test("a moment is read of all lines, gaps too", () => {
  const lines = [
    { name: "Joins", colour: "accent" as const, values: [1, 2.25] },
    { name: "Lost", colour: "danger" as const, values: [null, 0] },
  ];
  const when = (at: number) => `at ${at}`;
  expect(readLines(0, [60, 120], lines, "", when)).toBe("at 60000: Joins 1, Lost –");
  expect(readLines(1, [60, 120], lines, "min", when)).toBe("at 120000: Joins 2.3 min, Lost 0 min");
  expect(readLines(null, [60, 120], lines, "", when)).toBeNull();
  expect(readLines(2, [60, 120], lines, "", when)).toBeNull();
});
