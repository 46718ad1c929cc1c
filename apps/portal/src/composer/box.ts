import type { Region } from "../api/types";
import { type FrameSize, limits } from "./order";

/** A region's place and size, both known. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** How far a region goes when it is moved by a key, and on what places it comes to rest when it is dragged. */
export const grain = 8;
const least = limits.regionSide;
const clamp = (n: number, from: number, to: number) => Math.min(Math.max(n, from), Math.max(from, to));

export function boxOf(region: Region, frame: FrameSize): Box {
  return {
    x: region.x_pos,
    y: region.y_pos,
    w: region.width ?? frame.width - region.x_pos,
    h: region.height ?? frame.height - region.y_pos,
  };
}

/** The region in another place. */
export const placed = (region: Region, { x, y, w, h }: Box): Region => ({
  ...region,
  x_pos: x,
  y_pos: y,
  width: w,
  height: h,
});

/** The box moved, as far as the frame goes. */
export function moved(box: Box, dx: number, dy: number, frame: FrameSize): Box {
  return {
    ...box,
    x: clamp(box.x + dx, 0, frame.width - box.w),
    y: clamp(box.y + dy, 0, frame.height - box.h),
  };
}

/** The box with some of its edges moved: left or right, top or bottom, as far as the frame goes and it does not become too small. */
export function stretched(box: Box, edges: string, dx: number, dy: number, frame: FrameSize): Box {
  let { x, y, w, h } = box;
  if (edges.includes("e")) w = clamp(w + dx, least, frame.width - x);
  if (edges.includes("s")) h = clamp(h + dy, least, frame.height - y);
  if (edges.includes("w")) {
    x = clamp(box.x + dx, 0, box.x + box.w - least);
    w = box.x + box.w - x;
  }
  if (edges.includes("n")) {
    y = clamp(box.y + dy, 0, box.y + box.h - least);
    h = box.y + box.h - y;
  }
  return { x, y, w, h };
}

/** A length as a multiple of the grain. */
export const rested = (n: number) => Math.round(n / grain) * grain;

/** The box between two corners, within the frame; undefined if it is too small to be meant. */
export function between(ax: number, ay: number, bx: number, by: number, frame: FrameSize): Box | undefined {
  const x = clamp(rested(Math.min(ax, bx)), 0, frame.width);
  const y = clamp(rested(Math.min(ay, by)), 0, frame.height);
  const w = clamp(rested(Math.max(ax, bx)), 0, frame.width) - x;
  const h = clamp(rested(Math.max(ay, by)), 0, frame.height) - y;
  return w < least || h < least ? undefined : { x, y, w, h };
}

/** A box as parts of the frame, for what is laid over it. */
export function percentages({ x, y, w, h }: Box, { width, height }: FrameSize) {
  const percent = (part: number, whole: number) => `${(100 * part) / whole}%`;
  return {
    left: percent(x, width),
    top: percent(y, height),
    width: percent(w, width),
    height: percent(h, height),
  };
}
