import { expect, it } from "vitest";
import { marks, pan, within, zoom } from "./view";

const bounds = { from: 0, to: 100_000 };

it("keeps what is at the pointer where it is", () => {
  const closer = zoom(bounds, 0.5, 25_000, bounds);
  expect(closer).toEqual({ from: 12_500, to: 62_500 });
  expect(zoom(closer, 2, 25_000, bounds)).toEqual(bounds);
});

it("stays within the session, and no closer than a second", () => {
  expect(zoom(bounds, 10, 50_000, bounds)).toEqual(bounds);
  const closest = zoom(bounds, 1e-9, 100_000, bounds);
  expect(closest.to - closest.from).toBe(1000);
  expect(pan({ from: 80_000, to: 100_000 }, 0.5, bounds)).toEqual({ from: 80_000, to: 100_000 });
  expect(pan({ from: 20_000, to: 40_000 }, -0.5, bounds)).toEqual({ from: 10_000, to: 30_000 });
  expect(within({ from: -5, to: 5 }, { from: 0, to: 0 })).toEqual({ from: 0, to: 1000 });
});

it("marks whole units of time, no more than there is room for", () => {
  const { at, step } = marks({ from: 1500, to: 61_500 }, 8);
  expect(step).toBe(10_000);
  expect(at).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect(marks({ from: 0, to: 30 * 86_400_000 }, 10).at.length).toBeLessThanOrEqual(11);
});
