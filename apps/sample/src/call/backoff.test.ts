import { expect, it } from "vitest";
import { backoff } from "./backoff";

it("doubles from 1 s to 30 s", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 50, 5000].map((attempt) => backoff(attempt, () => 0));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

it("is shortened by up to a quarter", () => {
  expect(backoff(2, () => 0.999)).toBeCloseTo(1_500, -1);
});
