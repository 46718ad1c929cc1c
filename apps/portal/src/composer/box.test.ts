import { expect, it } from "vitest";
import { between, moved, stretched } from "./box";
import { everything, firstOrder, resized } from "./order";

const frame = { width: 640, height: 360 };
const box = { x: 100, y: 100, w: 200, h: 100 };

it("a box is moved as far as the frame goes", () => {
  expect(moved(box, 8, -8, frame)).toEqual({ ...box, x: 108, y: 92 });
  expect(moved(box, 9999, -9999, frame)).toEqual({ ...box, x: 440, y: 0 });
});

it("an edge is moved as far as the frame goes and the box stays large enough", () => {
  expect(stretched(box, "se", 50, 5, frame)).toEqual({ ...box, w: 250, h: 105 });
  expect(stretched(box, "e", 9999, 9999, frame)).toEqual({ ...box, w: 540 });
  expect(stretched(box, "nw", -9999, 9999, frame)).toEqual({ x: 0, y: 184, w: 300, h: 16 });
  expect(stretched(box, "w", 9999, 0, frame)).toEqual({ ...box, x: 284, w: 16 });
});

it("a box is drawn between any two corners, within the frame", () => {
  expect(between(103, 50, 10, 9, frame)).toEqual({ x: 8, y: 8, w: 96, h: 40 });
  expect(between(-50, -50, 9999, 9999, frame)).toEqual({ x: 0, y: 0, w: 640, h: 360 });
  expect(between(10, 10, 15, 200, frame)).toBeUndefined();
});

it("regions keep their place in a frame of another size", () => {
  const order = {
    ...firstOrder(""),
    video_layout: { a: { ...everything(), x_pos: 640, width: 320, height: 720 } },
  };
  expect(resized(order, "640x360").video_layout.a).toMatchObject({
    x_pos: 320,
    y_pos: 0,
    width: 160,
    height: 360,
  });
  expect(resized(order, "16x16").video_layout.a).toMatchObject({ x_pos: 0, width: 16, height: 16 });
});
