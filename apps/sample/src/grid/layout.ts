/** A place for a tile, in CSS pixels from the stage's top left. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Grid {
  columns: number;
  rows: number;
  tile: Size;
  rects: Rect[];
}

/** The space between tiles and around them. */
export const gap = 8;

/** The most tiles on one page. */
export const pageSize = 16;

const wide = 16 / 9;
/** Upright rooms (a phone) may cut pictures down to this, or tiles would be slits between bands of nothing. */
const upright = 3 / 4;

/** The part of the largest tile's area that is as good. */
const nearly = 0.92;

/** Below this width one person of two moves to a corner, and the filmstrip to the bottom. */
const narrowWidth = 640;

export function isNarrow(stage: Size): boolean {
  return stage.width < narrowWidth && stage.height > stage.width;
}

/**
 * Places `count` equal tiles so that each is as large as it can be: every number of columns is tried, and on a stage wider than
 * high the most columns among the nearly best win, so that two sit side by side. Tiles are 16:9; where the stage is upright
 * they may be as tall as 3:4. The last row is centred.
 */
export function layGrid(count: number, stage: Size): Grid {
  const tries = Array.from({ length: count }, (_, at) => tryColumns(count, at + 1, stage));
  const largest = Math.max(0, ...tries.map(areaOf));
  const enough = largest * (stage.width > stage.height ? nearly : 1);
  const best = tries.findLast((grid) => areaOf(grid) >= enough);
  if (!best) return { columns: 0, rows: 0, tile: { width: 0, height: 0 }, rects: [] };
  return { ...best, rects: placeRows(count, best, stage) };
}

function tryColumns(count: number, columns: number, stage: Size): Omit<Grid, "rects"> {
  const rows = Math.ceil(count / columns);
  return { columns, rows, tile: fitTile(columns, rows, stage) };
}

function areaOf({ tile }: Pick<Grid, "tile">): number {
  return tile.width * tile.height;
}

function fitTile(
  columns: number,
  rows: number,
  stage: Size,
  narrowest = stage.height > stage.width ? upright : wide,
): Size {
  const cellWidth = Math.max(0, (stage.width - gap * (columns - 1)) / columns);
  const cellHeight = Math.max(0, (stage.height - gap * (rows - 1)) / rows);
  const ratio = Math.min(wide, Math.max(narrowest, cellHeight > 0 ? cellWidth / cellHeight : wide));
  const width = Math.min(cellWidth, cellHeight * ratio);
  return { width, height: width / ratio };
}

function placeRows(count: number, { columns, rows, tile }: Omit<Grid, "rects">, stage: Size): Rect[] {
  const rects: Rect[] = [];
  const top = (stage.height - rows * tile.height - (rows - 1) * gap) / 2;
  for (let at = 0; at < count; at++) {
    const row = Math.floor(at / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (stage.width - inRow * tile.width - (inRow - 1) * gap) / 2;
    rects.push(
      whole(left + (at - row * columns) * (tile.width + gap), top + row * (tile.height + gap), tile),
    );
  }
  return rects;
}

function whole(x: number, y: number, size: Size): Rect {
  return {
    x: Math.round(x),
    y: Math.round(y),
    width: Math.floor(size.width),
    height: Math.floor(size.height),
  };
}

export interface Stage {
  /** Where the shared screen goes, when there is one. */
  share: Rect | null;
  /** One place per person, in order; shorter than asked for when not all fit. */
  people: Rect[];
  /** The place in `people` that lies over another. */
  corner: number | null;
}

/** How many people one page holds beside a shared screen, or in the grid. */
export function capacity(stage: Size, sharing: boolean): number {
  return sharing ? stripPlaces(stage).length : pageSize;
}

/** Places everybody. The first of `count` people is oneself, who goes to the corner when two meet on a narrow stage. */
export function layStage(count: number, stage: Size, sharing: boolean): Stage {
  if (sharing) {
    const strip = stripPlaces(stage);
    const used = strip.slice(0, count);
    return { share: shareRect(stage, count > 0), people: centreStrip(used, stage), corner: null };
  }
  if (count === 1) return { share: null, people: [whole(0, 0, stage)], corner: null };
  if (count === 2 && isNarrow(stage)) return layPair(stage);
  if (count === 2 && stage.width > stage.height)
    return { share: null, people: sideBySide(stage), corner: null };
  return { share: null, people: layGrid(Math.min(count, pageSize), stage).rects, corner: null };
}

/** Two face each other even where tiles one above the other would be a little larger; they may be as tall as 4:3 makes them. */
function sideBySide(stage: Size): Rect[] {
  const pair = { columns: 2, rows: 1, tile: fitTile(2, 1, stage, 4 / 3) };
  return placeRows(2, pair, stage);
}

function layPair(stage: Size): Stage {
  const width = Math.max(96, Math.round(stage.width * 0.28));
  const corner = { width, height: Math.round(width / upright) };
  const own = whole(stage.width - corner.width - gap, stage.height - corner.height - gap, corner);
  return { share: null, people: [own, whole(0, 0, stage)], corner: 0 };
}

function stripTile(stage: Size): Size {
  if (stage.height > stage.width) {
    const width = Math.min(176, Math.max(112, (stage.width - gap * 2) / 3));
    return { width, height: width / wide };
  }
  const width = Math.min(256, Math.max(136, stage.width * 0.17));
  return { width, height: width / wide };
}

function stripPlaces(stage: Size): Rect[] {
  const tile = stripTile(stage);
  const rects: Rect[] = [];
  if (stage.height > stage.width) {
    const fit = Math.max(1, Math.floor((stage.width + gap) / (tile.width + gap)));
    for (let at = 0; at < fit; at++)
      rects.push(whole(at * (tile.width + gap), stage.height - tile.height, tile));
    return rects;
  }
  const fit = Math.max(1, Math.floor((stage.height + gap) / (tile.height + gap)));
  for (let at = 0; at < fit; at++)
    rects.push(whole(stage.width - tile.width, at * (tile.height + gap), tile));
  return rects;
}

function centreStrip(rects: Rect[], stage: Size): Rect[] {
  const last = rects.at(-1);
  if (!last) return rects;
  if (stage.height > stage.width) {
    const shift = Math.floor((stage.width - last.x - last.width) / 2);
    return rects.map((rect) => ({ ...rect, x: rect.x + shift }));
  }
  const shift = Math.floor((stage.height - last.y - last.height) / 2);
  return rects.map((rect) => ({ ...rect, y: rect.y + shift }));
}

function shareRect(stage: Size, strip: boolean): Rect {
  if (!strip) return whole(0, 0, stage);
  const tile = stripTile(stage);
  return stage.height > stage.width
    ? whole(0, 0, { width: stage.width, height: stage.height - tile.height - gap })
    : whole(0, 0, { width: stage.width - tile.width - gap, height: stage.height });
}
