import type { Order, Region } from "../api/types";
import type { Part, Span } from "../playback/score";
import { type Cell, cellsOf, even, gridOf } from "./grid";
import { frameOf } from "./order";

/** Where a picture stands at a moment. */
export interface Placement {
  part: Part;
  cell: Cell;
}

const frameRate = 25;
const frameAt = (seconds: number) => Math.round(seconds * frameRate);
const covers = ({ from, until }: Span, frame: number) => frameAt(from) <= frame && frame < frameAt(until);
const isShown = (part: Part, frame: number) =>
  covers(part, frame) && !part.off.some((span) => covers(span, frame));

/** The names of regions in the order in which they are drawn: what comes later lies on top. */
export function drawnOrder(layout: Record<string, Region>): string[] {
  return Object.keys(layout).sort((a, b) => {
    const depth = (layout[a]?.z_pos ?? 0) - (layout[b]?.z_pos ?? 0);
    return depth || (a < b ? -1 : 1);
  });
}

/** The pictures that sources name: those named by id in their order, then the rest as they came. */
export function chosen(parts: Part[], sources: string[]): Part[] {
  const pictures = parts.filter(({ type }) => type === "video");
  const named = sources.flatMap((id) => pictures.filter((part) => part.id === id));
  return [...new Set(sources.includes("*") ? [...named, ...pictures] : named)];
}

/**
 * What a composition shows at a moment, in the order in which it is drawn, as the server lays it out (internal/compose/layout.go).
 */
export function lay(order: Order, parts: Part[], at: number): Placement[] {
  const frame = frameOf(order.resolution);
  if (!frame) return [];
  return drawnOrder(order.video_layout).flatMap((name) => {
    const region = order.video_layout[name] as Region;
    const grid = gridOf(region, even(frame.width), even(frame.height));
    const sources = chosen(parts, region.video_sources);
    const capacity = grid.columns * grid.rows;
    if (order.layout.grid === "fixed") return fixed(grid, sources, capacity, frameAt(at));
    const present = sources.filter((part) => isShown(part, frameAt(at))).slice(0, capacity);
    const cells = cellsOf(grid, present.length);
    return present.map((part, i) => ({ part, cell: cells[i] as Cell }));
  });
}

/** Everybody keeps the cell they had first, of as many as are ever needed at once. */
function fixed(
  grid: ReturnType<typeof gridOf>,
  sources: Part[],
  capacity: number,
  until: number,
): Placement[] {
  const marks = [...new Set(sources.flatMap((part) => [frameAt(part.from), frameAt(part.until)]))].sort(
    (a, b) => a - b,
  );
  const most = Math.max(0, ...marks.map((mark) => sources.filter((part) => covers(part, mark)).length));
  const cells = cellsOf(grid, Math.min(most, capacity));
  const seats: (Part | undefined)[] = cells.map(() => undefined);
  const last = new Map<string, number>();
  for (const mark of marks.filter((mark) => mark <= until)) {
    seats.forEach((part, i) => {
      if (part && !covers(part, mark)) seats[i] = undefined;
    });
    for (const part of sources) {
      if (!covers(part, mark) || seats.includes(part)) continue;
      const before = last.get(part.lane);
      const seat = before !== undefined && !seats[before] ? before : seats.indexOf(undefined);
      if (seat < 0) continue;
      seats[seat] = part;
      last.set(part.lane, seat);
    }
  }
  return seats.flatMap((part, i) => (part && isShown(part, until) ? [{ part, cell: cells[i] as Cell }] : []));
}
