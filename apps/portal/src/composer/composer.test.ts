import { describe, expect, it } from "vitest";
import type { Order, Region } from "../api/types";
import type { Part } from "../playback/score";
import { check, readOrder } from "./check";
import { cellsOf, gridOf, shapeOf } from "./grid";
import { JsonFault, positionOf, readJson } from "./json";
import { lay } from "./lay";
import { bodyOf, everything, firstOrder, frameOf, freeName, presets } from "./order";

const session = "5e7a1f0c-6d1e-4c58-a7c9-8ee0b5f0a3d1";
const id = (n: number) => `3b0e5c6d-9a44-4a53-8f0e-6a1c5d2f7e${String(n).padStart(2, "0")}`;
const part = (n: number, from: number, until: number, lane = `${n}`): Part => ({
  id: id(n),
  name: `${n}`,
  type: "video",
  screen: false,
  from,
  until,
  off: [],
  address: "",
  lane,
});

describe("a grid", () => {
  // The same as TestGridShapes of the server.
  it.each([
    [1, 1000, 1000, 1, 1],
    [2, 1000, 1000, 2, 1],
    [3, 1000, 1000, 2, 2],
    [5, 1000, 1000, 3, 2],
    [9, 1000, 1000, 3, 3],
    [10, 1000, 1000, 4, 3],
    [6, 1, 1000, 1, 6],
    [6, 1000, 1, 6, 1],
    [4, 3, 2, 2, 2],
  ])("of %i pictures in at most %ix%i is divided as the server does", (n, columns, rows, wide, high) => {
    expect(shapeOf({ x: 0, y: 0, w: 1280, h: 720, columns, rows }, n)).toEqual([wide, high]);
  });

  it("centres a last row that is not full", () => {
    expect(cellsOf({ x: 0, y: 0, w: 1280, h: 720, columns: 9, rows: 9 }, 3)[2]).toEqual({
      x: 320,
      y: 360,
      w: 640,
      h: 360,
    });
  });

  it("reaches to the edges of the frame where it has no size", () => {
    expect(gridOf({ ...everything(), x_pos: 100, y_pos: 20 }, 640, 360)).toMatchObject({ w: 540, h: 340 });
  });
});

describe("a layout at a moment", () => {
  const order = (layout: Record<string, Partial<Region>>, grid: "reflow" | "fixed" = "reflow"): Order => ({
    ...firstOrder(session),
    layout: { grid, fit: "letterbox", labels: false },
    video_layout: Object.fromEntries(Object.entries(layout).map(([n, r]) => [n, { ...everything(), ...r }])),
  });

  it("shows those who are there, in the order of the sources", () => {
    const parts = [part(1, 0, 10), part(2, 0, 10), part(3, 5, 10)];
    const shown = (at: number, sources: string[]) =>
      lay(order({ main: { video_sources: sources } }), parts, at).map(({ part }) => part.id);
    expect(shown(2, ["*"])).toEqual([id(1), id(2)]);
    expect(shown(7, [id(3), "*"])).toEqual([id(3), id(1), id(2)]);
    expect(shown(7, [id(2)])).toEqual([id(2)]);
    expect(shown(11, ["*"])).toEqual([]);
  });

  it("leaves out whose camera is off, and keeps their cell in a fixed grid", () => {
    const parts = [{ ...part(1, 0, 10), off: [{ from: 4, until: 6 }] }, part(2, 0, 10)];
    const places = (grid: "reflow" | "fixed") =>
      lay(order({ main: {} }, grid), parts, 5).map(({ cell }) => cell.w);
    expect([places("reflow"), places("fixed")]).toEqual([[1280], [640]]);
  });

  it("leaves out who finds no cell", () => {
    const parts = [part(1, 0, 10), part(2, 0, 10), part(3, 0, 10)];
    expect(lay(order({ main: { max_columns: 1, max_rows: 2 } }), parts, 1)).toHaveLength(2);
  });

  it("draws what lies on top last", () => {
    const parts = [part(1, 0, 10)];
    const drawn = lay(
      order({ b: { z_pos: 1 }, a: { z_pos: 2, width: 64 }, c: { z_pos: -1, width: 32 } }),
      parts,
      1,
    );
    expect(drawn.map(({ cell }) => cell.w)).toEqual([32, 1280, 64]);
  });

  it("lets everybody keep their cell in a fixed grid, and gives it back to who comes again", () => {
    const parts = [part(1, 0, 4, "ada"), part(2, 0, 20, "bo"), part(3, 5, 8, "cy"), part(4, 9, 20, "ada")];
    const fixed = order({ main: {} }, "fixed");
    const place = (at: number) => lay(fixed, parts, at).map(({ part, cell }) => [part.id, cell.x]);
    expect(place(2)).toEqual([
      [id(1), 0],
      [id(2), 640],
    ]);
    expect(place(4.5)).toEqual([[id(2), 640]]);
    expect(place(6)).toEqual([
      [id(3), 0],
      [id(2), 640],
    ]);
    expect(place(15)).toEqual([
      [id(4), 0],
      [id(2), 640],
    ]);
  });
});

describe("an order", () => {
  it("is read with the API's defaults", () => {
    const { order, faults } = readOrder({
      session_id: session,
      video_layout: { a: { x_pos: 4, video_sources: "*" } },
    });
    expect(faults).toEqual([]);
    expect(order).toEqual({
      session_id: session,
      format: "mp4",
      resolution: "1280x720",
      layout: { grid: "reflow", fit: "letterbox", labels: false },
      video_layout: { a: { ...everything(), x_pos: 4 } },
      audio_sources: ["*"],
    });
  });

  it("is the same after it was written and read", () => {
    const order = { ...firstOrder(session), webhook_timeout_secs: 5 };
    expect(readOrder(readJson(JSON.stringify(bodyOf(order))).value)).toEqual({ order, faults: [] });
  });

  it.each([
    [{ session_id: "x" }, "/session_id"],
    [{ format: "avi" }, "/format"],
    [{ resolution: "1280x721" }, "/resolution"],
    [{ resolution: "2000x100" }, "/resolution"],
    [{ layout: { grid: "loose" } }, "/layout/grid"],
    [{ layout: { colour: 1 } }, "/layout/colour"],
    [{ layouts: {} }, "/layouts"],
    [{ audio_sources: [7] }, "/audio_sources/0"],
    [{ audio_sources: [], format: "ogg" }, "/audio_sources"],
    [{ video_layout: [] }, "/video_layout"],
    [{ video_layout: { "": {} } }, "/video_layout/"],
    [{ video_layout: { a: {}, " A": {} } }, "/video_layout/ A"],
    [{ video_layout: { "a/b~": { x_pos: 1265 } } }, "/video_layout/a~1b~0/x_pos"],
    [{ video_layout: { a: { x_pos: 100, width: 1200 } } }, "/video_layout/a/width"],
    [{ video_layout: { a: { y_pos: 700, height: 100 } } }, "/video_layout/a/height"],
    [{ video_layout: { a: { width: 15 } } }, "/video_layout/a/width"],
    [{ video_layout: { a: { z_pos: 100 } } }, "/video_layout/a/z_pos"],
    [{ video_layout: { a: { max_rows: 0.5 } } }, "/video_layout/a/max_rows"],
    [{ video_layout: { a: { video_sources: [] } } }, "/video_layout/a/video_sources"],
    [{ video_layout: { a: { left: 1 } } }, "/video_layout/a/left"],
    [
      { video_layout: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`r${n}`, {}])) },
      "/video_layout",
    ],
    [{ webhook_timeout_secs: 31 }, "/webhook_timeout_secs"],
  ])("with %j is refused", (wrong, at) => {
    expect(readOrder({ session_id: session, ...wrong }).faults.map((fault) => fault.at)).toEqual([at]);
  });

  it("that is no object is refused", () => {
    for (const value of [null, 1, [], "x"]) expect(readOrder(value).faults[0]?.at).toBe("");
  });
});

it("every preset is within the limits, in frames of any shape", () => {
  for (const parts of [
    [],
    [part(1, 0, 5)],
    [part(1, 0, 5), part(2, 0, 5), { ...part(3, 0, 5), screen: true }],
  ]) {
    for (const resolution of ["1280x720", "720x1280", "64x64", "641x359"]) {
      for (const preset of presets) {
        const layout = preset.layout(frameOf(resolution) ?? { width: 0, height: 0 }, { parts, length: 5 });
        expect(check({ ...firstOrder(session), resolution, video_layout: layout }), preset.name).toEqual([]);
      }
    }
  }
});

it("what is shared stands on the stage", () => {
  const parts = [part(1, 0, 5), { ...part(2, 0, 5), screen: true }];
  const layout = presets[1]?.layout({ width: 1280, height: 720 }, { parts, length: 5 });
  expect([layout?.stage?.video_sources, layout?.people?.video_sources]).toEqual([[id(2)], [id(1)]]);
});

it("a free name differs in more than case", () => {
  expect(freeName({ Region: everything(), "region  2": everything() })).toBe("region 3");
});

describe("JSON", () => {
  it("is read as JSON.parse does, and every value has its place", () => {
    const text = '{"a": [1, -2.5e3, {"b/c": "x\\u0041\\n"}], "d": [true, false, null, {}, []]}';
    const { value, places } = readJson(text);
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
    expect(text.slice(places.get("/a/2/b~1c"))).toMatch(/^"x/);
    expect(text.slice(places.get("/d/3"))).toMatch(/^\{\}/);
  });

  it.each([
    ["", 1, 1],
    ["{", 1, 2],
    ['{\n  "a": 1,\n}', 3, 1],
    ['{\n  "a" 1}', 2, 7],
    ["[1, 2", 1, 6],
    ["[01]", 1, 3],
    ['{"a":\n tru}', 2, 2],
    ['["a]', 1, 2],
    ['["\\x"]', 1, 2],
    ['{"a": 1, "a": 2}', 1, 10],
    ["{} {}", 1, 4],
    ["[".repeat(100), 1, 52],
  ])("%j is refused at line %i, column %i", (text, line, column) => {
    let fault: unknown;
    try {
      readJson(text);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(JsonFault);
    expect(positionOf(text, (fault as JsonFault).offset)).toEqual({ line, column });
  });
});
