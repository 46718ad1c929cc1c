import type { Format, Order, Region } from "../api/types";
import { lanesOf, type Score } from "../playback/score";
import { even } from "./grid";

// The limits of the API (CompositionCreate in api/openapi.yaml).
export const limits = {
  side: [16, 1280],
  pixels: 1280 * 720,
  regionSide: 16,
  depth: 99,
  grid: 1000,
  regions: 16,
  name: 64,
  sources: 1000,
} as const;

export const formats: [Format, string][] = [
  ["mp4", "MP4, H.264 and AAC"],
  ["webm", "WebM, VP9 and Opus"],
  ["m4a", "M4A, sound only"],
  ["ogg", "Ogg, sound only"],
];
export const hasPicture = ({ format }: Pick<Order, "format">) => format === "mp4" || format === "webm";

export interface FrameSize {
  width: number;
  height: number;
}

/** The size that a resolution names; undefined if it is none. */
export function frameOf(resolution: string): FrameSize | undefined {
  const [, width, height] = /^(\d{1,9})x(\d{1,9})$/.exec(resolution)?.map(Number) ?? [];
  if (!width || !height) return undefined;
  const [least, most] = limits.side;
  const fits =
    Math.min(width, height) >= least && Math.max(width, height) <= most && width * height <= limits.pixels;
  return fits ? { width, height } : undefined;
}

/** A region that fills the frame with everybody. */
export const everything = (): Region => ({
  x_pos: 0,
  y_pos: 0,
  z_pos: 0,
  width: null,
  height: null,
  max_columns: null,
  max_rows: null,
  video_sources: ["*"],
});

/** What is asked for when nothing was drawn yet. */
export const firstOrder = (session: string): Order => ({
  session_id: session,
  format: "mp4",
  resolution: "1280x720",
  layout: { grid: "reflow", fit: "letterbox", labels: true },
  video_layout: { main: everything() },
  audio_sources: ["*"],
});

/** The body of the request: what has its default value is left out of regions, and null everywhere. */
export function bodyOf(order: Order): Order {
  const plain = (region: Region) =>
    Object.fromEntries(Object.entries(region).filter(([, value]) => value !== null)) as unknown as Region;
  const layout = Object.entries(order.video_layout).map(([name, region]) => [name, plain(region)] as const);
  const body = { ...order, video_layout: Object.fromEntries(layout) };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) as unknown as Order;
}

/** A name that no region has yet. */
export function freeName(layout: Record<string, Region>, wanted = "region"): string {
  const taken = new Set(Object.keys(layout).map(folded));
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted} ${n}`;
    if (!taken.has(folded(name))) return name;
  }
}

/** The depth at which a new region lies on top of all. */
export function topmost({ video_layout: layout }: Order): number {
  const top = Math.max(...Object.values(layout).map(({ z_pos }) => z_pos));
  return Math.min(top + 1, limits.depth);
}

/** Names are the same if they differ in case and spaces only. */
export const folded = (name: string) => name.split(/\s+/).filter(Boolean).join(" ").toLowerCase();

export interface Preset {
  name: string;
  layout: (frame: FrameSize, score: Score) => Record<string, Region>;
}

/** Whoever is in front, which is what is shared if anything is, and the others. */
function front(score: Score): { first: string[]; rest: string[] } {
  const lanes = lanesOf({ ...score, parts: score.parts.filter(({ type }) => type === "video") });
  const stage = lanes.find(({ parts }) => parts.some(({ screen }) => screen)) ?? lanes[0];
  const ids = (these: typeof lanes) => these.flatMap(({ parts }) => parts.map(({ id }) => id));
  const [first, rest] = [ids(stage ? [stage] : []), ids(lanes.filter((lane) => lane !== stage))];
  return { first: first.length ? first : ["*"], rest: rest.length ? rest : ["*"] };
}

const at = (x: number, y: number, width: number, height: number, more: Partial<Region>): Region => ({
  ...everything(),
  x_pos: even(Math.round(x)),
  y_pos: even(Math.round(y)),
  width: even(Math.round(width)),
  height: even(Math.round(height)),
  ...more,
});

export const presets: Preset[] = [
  { name: "Grid", layout: () => ({ main: everything() }) },
  {
    name: "Stage and column",
    layout: ({ width: w, height: h }, score) => {
      const { first, rest } = front(score);
      return {
        stage: at(0, 0, w * 0.75, h, { video_sources: first }),
        people: at(w * 0.75, 0, w * 0.25, h, { max_columns: 1, video_sources: rest }),
      };
    },
  },
  {
    name: "Stage and row",
    layout: ({ width: w, height: h }, score) => {
      const { first, rest } = front(score);
      return {
        stage: at(0, 0, w, h * 0.75, { video_sources: first }),
        people: at(0, h * 0.75, w, h * 0.25, { max_rows: 1, video_sources: rest }),
      };
    },
  },
  {
    name: "Picture in picture",
    layout: ({ width: w, height: h }, score) => {
      const { first, rest } = front(score);
      const margin = Math.min(w, h) / 32;
      return {
        stage: at(0, 0, w, h, { video_sources: first }),
        corner: at(w * 0.72 - margin, h * 0.72 - margin, w * 0.28, h * 0.28, {
          z_pos: 1,
          video_sources: rest,
        }),
      };
    },
  },
  {
    name: "Side by side",
    layout: ({ width: w, height: h }, score) => {
      const { first, rest } = front(score);
      return {
        left: at(0, 0, w / 2, h, { video_sources: first }),
        right: at(w / 2, 0, w / 2, h, { video_sources: rest }),
      };
    },
  },
];

/** The order for a frame of another size, with its regions where they were in proportion. */
export function resized(order: Order, resolution: string): Order {
  const [old, next] = [frameOf(order.resolution), frameOf(resolution)];
  if (!old || !next) return { ...order, resolution };
  const [across, down] = [next.width / old.width, next.height / old.height];
  const scale = (n: number, by: number) => even(Math.round(n * by));
  const layout = Object.entries(order.video_layout).map(([name, region]) => {
    const fitted: Region = {
      ...region,
      x_pos: Math.min(scale(region.x_pos, across), next.width - limits.regionSide),
      y_pos: Math.min(scale(region.y_pos, down), next.height - limits.regionSide),
    };
    const extent = (size: number | null, by: number, room: number) =>
      size === null ? null : Math.min(Math.max(scale(size, by), limits.regionSide), room);
    fitted.width = extent(region.width, across, next.width - fitted.x_pos);
    fitted.height = extent(region.height, down, next.height - fitted.y_pos);
    return [name, fitted];
  });
  return { ...order, resolution, video_layout: Object.fromEntries(layout) };
}
