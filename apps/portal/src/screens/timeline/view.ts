// The part of a session that is looked at, and how it moves. Times are milliseconds.

export interface View {
  from: number;
  to: number;
}

/** The shortest time that can be looked at. */
const shortest = 1000;

/** Keeps a view within bounds, and no shorter than can be drawn. */
export function within(view: View, bounds: View): View {
  const whole = Math.max(bounds.to - bounds.from, shortest);
  const length = Math.min(Math.max(view.to - view.from, shortest), whole);
  const from = Math.min(Math.max(view.from, bounds.from), bounds.from + whole - length);
  return { from, to: from + length };
}

/** Looks closer (factor below 1) or from further away; what is at this moment stays where it is. */
export function zoom(view: View, factor: number, at: number, bounds: View): View {
  const length = Math.max(view.to - view.from, 1);
  const wanted = Math.max(length * factor, shortest);
  const from = at - ((at - view.from) / length) * wanted;
  return within({ from, to: from + wanted }, bounds);
}

/** Moves by a part of what is seen. */
export function pan(view: View, part: number, bounds: View): View {
  const by = (view.to - view.from) * part;
  return within({ from: view.from + by, to: view.to + by }, bounds);
}

const steps = [1, 2, 5, 10, 15, 30].flatMap((n) => n * 1000);
const all = [
  ...steps,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 60_000),
  ...[1, 2, 3, 6, 12, 24].map((n) => n * 3_600_000),
];

/** Where the marks of an axis stand that has room for so many, and how far they are apart. */
export function marks(view: View, room: number): { at: number[]; step: number } {
  const least = (view.to - view.from) / Math.max(room, 1);
  const step = all.find((each) => each >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000;
  const at: number[] = [];
  for (let mark = Math.ceil(view.from / step) * step; mark <= view.to; mark += step) at.push(mark);
  return { at, step };
}
