import { describe, expect, it } from "vitest";
import { capacity, gap, isNarrow, layGrid, layStage, type Rect, type Size } from "./layout";

const desk: Size = { width: 1424, height: 820 };
const square: Size = { width: 800, height: 800 };
const phone: Size = { width: 374, height: 760 };
const stages = { desk, square, phone, slit: { width: 1400, height: 200 } };
const counts = Array.from({ length: 16 }, (_, at) => at + 1);

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function inside(rect: Rect, stage: Size): boolean {
  return (
    rect.x >= 0 &&
    rect.y >= 0 &&
    rect.x + rect.width <= stage.width + 1 &&
    rect.y + rect.height <= stage.height + 1
  );
}

describe.each(Object.entries(stages))("grid on a %s", (_name, stage) => {
  it.each(counts)("places %i tiles inside, apart and equal", (count) => {
    const { rects } = layGrid(count, stage);
    expect(rects).toHaveLength(count);
    for (const [at, rect] of rects.entries()) {
      expect(inside(rect, stage)).toBe(true);
      expect([rect.width, rect.height]).toEqual([rects[0]?.width, rects[0]?.height]);
      for (const other of rects.slice(at + 1)) expect(overlap(rect, other)).toBe(false);
    }
  });

  it.each(counts)("finds no clearly larger tile for %i by another number of columns", (count) => {
    const { tile } = layGrid(count, stage);
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const cell = {
        width: (stage.width - gap * (columns - 1)) / columns,
        height: (stage.height - gap * (rows - 1)) / rows,
      };
      const wide = Math.min(cell.width, (cell.height * 16) / 9);
      expect(tile.width * tile.height * 1.09).toBeGreaterThanOrEqual((wide * wide * 9) / 16);
    }
  });
});

describe("grid", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 3],
    [6, 3],
    [7, 3],
    [9, 3],
    [10, 4],
    [12, 4],
    [16, 4],
  ])("puts %i people on a desk in %i columns", (count, columns) => {
    expect(layGrid(count, desk).columns).toBe(columns);
  });

  it("keeps 16:9 where the stage is wide", () => {
    for (const count of counts) {
      const { tile } = layGrid(count, desk);
      expect(tile.width / tile.height).toBeCloseTo(16 / 9, 5);
    }
  });

  it("makes taller tiles where the stage is upright, but not too tall", () => {
    for (const count of counts) {
      const { tile } = layGrid(count, phone);
      const ratio = tile.width / tile.height;
      expect(ratio).toBeLessThanOrEqual(16 / 9 + 0.001);
      expect(ratio).toBeGreaterThanOrEqual(3 / 4 - 0.001);
    }
  });

  it("centres the last row", () => {
    const { rects } = layGrid(7, desk);
    const last = rects[6] as Rect;
    expect(Math.abs(last.x + last.width / 2 - desk.width / 2)).toBeLessThanOrEqual(1);
  });

  it("survives a stage without size", () => {
    expect(layGrid(3, { width: 0, height: 0 }).rects).toHaveLength(3);
    expect(layGrid(0, desk).rects).toEqual([]);
  });
});

describe("stage", () => {
  it("gives one person all of it", () => {
    expect(layStage(1, desk, false).people).toEqual([{ x: 0, y: 0, ...desk }]);
  });

  it("puts oneself in the corner of a narrow stage for two", () => {
    const { people, corner } = layStage(2, phone, false);
    expect(corner).toBe(0);
    expect(people[1]).toEqual({ x: 0, y: 0, ...phone });
    expect(overlap(people[0] as Rect, people[1] as Rect)).toBe(true);
    expect(inside(people[0] as Rect, phone)).toBe(true);
    expect(layStage(2, desk, false).corner).toBeNull();
  });

  it("puts two side by side wherever there is more width than height", () => {
    const { people } = layStage(2, { width: 1008, height: 690 }, false);
    expect(people[0]?.y).toBe(people[1]?.y);
    expect((people[0] as Rect).width).toBe(500);
    expect((people[0] as Rect).height).toBe(375);
  });

  it.each(Object.entries(stages))("gives a shared screen most of a %s", (_name, stage) => {
    const { share, people } = layStage(5, stage, true);
    expect(share).not.toBeNull();
    const screen = share as Rect;
    expect(inside(screen, stage)).toBe(true);
    expect(screen.width * screen.height).toBeGreaterThan(0.6 * stage.width * stage.height);
    expect(people.length).toBe(Math.min(5, capacity(stage, true)));
    for (const rect of people) {
      expect(inside(rect, stage)).toBe(true);
      expect(overlap(rect, screen)).toBe(false);
    }
  });

  it("puts the filmstrip at the side of a wide stage and at the bottom of an upright one", () => {
    const side = layStage(2, desk, true);
    expect(side.people[0]?.x).toBeGreaterThan((side.share as Rect).width);
    const bottom = layStage(2, phone, true);
    expect(bottom.people[0]?.y).toBeGreaterThan((bottom.share as Rect).height);
  });

  it("calls a phone narrow, and a phone on its side not", () => {
    expect(isNarrow(phone)).toBe(true);
    expect(isNarrow({ width: phone.height, height: phone.width })).toBe(false);
  });
});
