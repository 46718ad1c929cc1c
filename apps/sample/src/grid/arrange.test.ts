import { describe, expect, it } from "vitest";
import { arrange } from "./arrange";

const silent = new Map<string, number>();

describe("arrange", () => {
  it("keeps who was there and adds newcomers last", () => {
    expect(arrange(["a", "b", "c"], ["d", "c", "a"], silent, { pageSize: 16 })).toEqual(["a", "c", "d"]);
  });

  it("does not reorder one page by activity", () => {
    const active = new Map([["c", 9]]);
    expect(arrange(["a", "b", "c"], ["a", "b", "c"], active, { pageSize: 3 })).toEqual(["a", "b", "c"]);
  });

  it("swaps a speaker of a later page with the quietest of the first", () => {
    const active = new Map([
      ["a", 5],
      ["b", 1],
      ["c", 3],
      ["e", 9],
    ]);
    const order = ["a", "b", "c", "d", "e"];
    expect(arrange(order, order, active, { pageSize: 3 })).toEqual(["a", "e", "c", "d", "b"]);
  });

  it("moves nobody for someone who spoke longer ago than all of the first page", () => {
    const active = new Map([
      ["a", 5],
      ["b", 6],
      ["c", 4],
    ]);
    const order = ["a", "b", "c"];
    expect(arrange(order, order, active, { pageSize: 2 })).toEqual(order);
  });

  it("never moves pinned tiles", () => {
    const active = new Map([
      ["b", 5],
      ["c", 9],
    ]);
    const order = ["me", "b", "c"];
    expect(arrange(order, order, active, { pageSize: 2, pinned: new Set(["me"]) })).toEqual(["me", "c", "b"]);
    expect(arrange(order, order, active, { pageSize: 1, pinned: new Set(["me"]) })).toEqual(order);
  });

  it("moves nobody while frozen", () => {
    const order = ["a", "b", "c"];
    expect(arrange(order, order, new Map([["c", 9]]), { pageSize: 2, frozen: true })).toEqual(order);
  });

  it("is settled after one pass", () => {
    const active = new Map([..."abcdefgh"].map((id, at) => [id, (at * 5) % 8]));
    const once = arrange([..."abcdefgh"], [..."abcdefgh"], active, { pageSize: 4 });
    expect(arrange(once, [..."abcdefgh"], active, { pageSize: 4 })).toEqual(once);
    expect([...once].sort()).toEqual([..."abcdefgh"]);
  });
});
