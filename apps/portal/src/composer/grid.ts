import type { Region } from "../api/types";

/** A place of the frame, in pixels. */
export interface Cell {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** A region with its extent, and into how many columns and rows it may be divided. */
export interface Grid extends Cell {
  columns: number;
  rows: number;
}

/** The formats have colours of half the resolution, so places are even. */
export const even = (n: number) => n - (n % 2);
/** The least side of a cell. */
const smallest = 2;

// What follows is what the server does (internal/compose/grid.go), so that the preview shows what will be made.

/** A region in a frame of this size. */
export function gridOf(region: Region, width: number, height: number): Grid {
  const w = region.width ?? width - region.x_pos;
  const h = region.height ?? height - region.y_pos;
  const limit = (given: number | null, most: number) => Math.max(1, Math.min(given ?? most, most));
  return {
    x: region.x_pos,
    y: region.y_pos,
    w,
    h,
    columns: limit(region.max_columns, Math.floor(w / smallest)),
    rows: limit(region.max_rows, Math.floor(h / smallest)),
  };
}

/** The division for n pictures in which those of 16:9 are largest. More columns win a tie. */
export function shapeOf(grid: Grid, n: number): [columns: number, rows: number] {
  let best = 0;
  let shape: [number, number] = [0, 0];
  for (let columns = 1; columns <= Math.min(n, grid.columns); columns++) {
    const rows = Math.ceil(n / columns);
    if (rows > grid.rows) continue;
    const size = Math.min(Math.floor(grid.w / columns) * 9, Math.floor(grid.h / rows) * 16);
    if (shape[0] === 0 || size * 100 >= best * 99) {
      best = Math.max(best, size);
      shape = [columns, rows];
    }
  }
  return shape;
}

/** The cells of n pictures, at most as many as the grid has, row by row. A last row that is not full is centred. */
export function cellsOf(grid: Grid, n: number): Cell[] {
  const [columns, rows] = shapeOf(grid, n);
  return Array.from({ length: n }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const inRow = Math.min(columns, n - row * columns);
    const shift = Math.floor(Math.floor(((columns - inRow) * grid.w) / columns) / 2);
    const left = even(grid.x + shift + Math.floor((column * grid.w) / columns));
    const right = even(grid.x + shift + Math.floor(((column + 1) * grid.w) / columns));
    const top = even(grid.y + Math.floor((row * grid.h) / rows));
    const bottom = even(grid.y + Math.floor(((row + 1) * grid.h) / rows));
    return { x: left, y: top, w: right - left, h: bottom - top };
  });
}
