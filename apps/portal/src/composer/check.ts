import type { Format, Order, Region } from "../api/types";
import { pointer } from "./json";
import { everything, type FrameSize, firstOrder, folded, formats, frameOf, limits } from "./order";

/** What is wrong with an order, and with which of its values, by JSON Pointer. */
export interface Fault {
  at: string;
  detail: string;
}

type Dictionary = Record<string, unknown>;
const isDictionary = (value: unknown): value is Dictionary =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isAbsent = (value: unknown) => value === undefined || value === null;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const fields = [
  "session_id",
  "format",
  "resolution",
  "layout",
  "video_layout",
  "audio_sources",
  "webhook_event_url",
  "webhook_event_failover_url",
  "webhook_timeout_secs",
];
const settings = { grid: ["reflow", "fixed"], fit: ["letterbox", "crop"], labels: [true, false] };
const numbers = {
  x_pos: [0, limits.side[1]],
  y_pos: [0, limits.side[1]],
  z_pos: [-limits.depth, limits.depth],
  width: [limits.regionSide, limits.side[1]],
  height: [limits.regionSide, limits.side[1]],
  max_columns: [1, limits.grid],
  max_rows: [1, limits.grid],
} as const;

/** Reads an order out of JSON, with the limits of the API. What is wrong is said, and has its default in the order. */
export function readOrder(value: unknown): { order: Order; faults: Fault[] } {
  const faults: Fault[] = [];
  const given = isDictionary(value) ? value : {};
  if (!isDictionary(value)) faults.push({ at: "", detail: "A composition is an object." });
  const order = firstOrder("");
  order.layout.labels = false;
  for (const name of Object.keys(given)) {
    if (!fields.includes(name)) faults.push({ at: pointer(name), detail: `A composition has no ${name}.` });
  }
  if (typeof given.session_id === "string" && uuid.test(given.session_id))
    order.session_id = given.session_id;
  else faults.push({ at: pointer("session_id"), detail: "session_id must be the id of a session." });
  const format = given.format ?? "mp4";
  if (formats.some(([each]) => each === format)) order.format = format as Format;
  else faults.push({ at: pointer("format"), detail: "format must be mp4, webm, m4a or ogg." });
  const resolution = given.resolution ?? order.resolution;
  if (typeof resolution === "string" && frameOf(resolution)) order.resolution = resolution;
  else faults.push({ at: pointer("resolution"), detail: resolutionRule });
  readSettings(given.layout, order, faults);
  order.audio_sources = readSources(given.audio_sources, pointer("audio_sources"), faults);
  if (!order.audio_sources.length && (order.format === "m4a" || order.format === "ogg")) {
    faults.push({
      at: pointer("audio_sources"),
      detail: `${order.format} has nothing but sound: choose some.`,
    });
  }
  const { width, height } = frameOf(order.resolution) as FrameSize;
  order.video_layout = readRegions(given.video_layout, width, height, faults);
  for (const name of ["webhook_event_url", "webhook_event_failover_url"] as const) {
    if (isAbsent(given[name])) continue;
    if (typeof given[name] === "string") order[name] = given[name];
    else faults.push({ at: pointer(name), detail: `${name} must be a URL.` });
  }
  if (!isAbsent(given.webhook_timeout_secs)) {
    order.webhook_timeout_secs = readNumber(
      given.webhook_timeout_secs,
      [0, 30],
      pointer("webhook_timeout_secs"),
      faults,
    );
  }
  return { order, faults };
}

const resolutionRule = `resolution must be WIDTHxHEIGHT, each ${limits.side[0]} to ${limits.side[1]} and ${limits.pixels} pixels at most.`;

/** What is wrong with an order that was drawn. */
export const check = (order: Order): Fault[] => readOrder(order).faults;

function readSettings(value: unknown, order: Order, faults: Fault[]): void {
  if (isAbsent(value)) return;
  if (!isDictionary(value))
    return void faults.push({ at: pointer("layout"), detail: "layout must be an object." });
  for (const [name, given] of Object.entries(value)) {
    const known = (settings as Record<string, unknown[]>)[name];
    if (known?.includes(given)) Object.assign(order.layout, { [name]: given });
    else if (!known) faults.push({ at: pointer("layout", name), detail: `layout has no ${name}.` });
    else if (given !== null) {
      faults.push({ at: pointer("layout", name), detail: `${name} must be ${known.join(" or ")}.` });
    }
  }
}

function readRegions(value: unknown, width: number, height: number, faults: Fault[]): Record<string, Region> {
  const at = pointer("video_layout");
  if (isAbsent(value)) return { main: everything() };
  if (!isDictionary(value)) {
    faults.push({ at, detail: "video_layout must be an object of regions by their names." });
    return { main: everything() };
  }
  const names = Object.keys(value);
  if (names.length > limits.regions) {
    faults.push({ at, detail: `There are ${names.length} regions, and at most ${limits.regions} may be.` });
  }
  const known = new Map<string, string>();
  const layout: Record<string, Region> = {};
  for (const name of names) {
    const here = pointer("video_layout", name);
    const length = [...name].length;
    if (length < 1 || length > limits.name) {
      faults.push({ at: here, detail: `The name of a region has 1 to ${limits.name} characters.` });
    }
    const twin = known.get(folded(name));
    if (twin !== undefined) {
      faults.push({
        at: here,
        detail: `“${twin}” and “${name}” are the same name, apart from case and spaces.`,
      });
    }
    known.set(folded(name), name);
    layout[name] = readRegion(value[name], here, width, height, faults);
  }
  return names.length === 0 ? { main: everything() } : layout;
}

function readRegion(value: unknown, at: string, width: number, height: number, faults: Fault[]): Region {
  const region = everything();
  if (!isDictionary(value)) {
    faults.push({ at, detail: "A region must be an object." });
    return region;
  }
  for (const [name, given] of Object.entries(value)) {
    const here = at + pointer(name);
    if (name === "video_sources") {
      region.video_sources = readSources(given, here, faults);
      if (region.video_sources.length > 0) continue;
      faults.push({ at: here, detail: "A region must have a source." });
    } else if (name in numbers) {
      if (given === null) continue;
      const field = name as keyof typeof numbers;
      region[field] = readNumber(given, numbers[field], here, faults) ?? region[field] ?? 0;
    } else faults.push({ at: here, detail: `A region has no ${name}.` });
  }
  checkExtent(region.x_pos, region.width, width, ["x_pos", "width"], at, faults);
  checkExtent(region.y_pos, region.height, height, ["y_pos", "height"], at, faults);
  return region;
}

function checkExtent(
  from: number,
  extent: number | null,
  frame: number,
  [position, size]: [string, string],
  at: string,
  faults: Fault[],
): void {
  const most = frame - limits.regionSide;
  if (from > most) {
    faults.push({
      at: at + pointer(position),
      detail: `${position} must be at most ${most}, to be in the frame.`,
    });
  } else if (from + (extent ?? 0) > frame) {
    const detail = `With this ${position}, ${size} must be at most ${frame - from}, to be in the frame.`;
    faults.push({ at: at + pointer(size), detail });
  }
}

function readNumber(value: unknown, [least, most]: readonly [number, number], at: string, faults: Fault[]) {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const name = at.slice(at.lastIndexOf("/") + 1);
  faults.push({ at, detail: `${name} must be a whole number from ${least} to ${most}.` });
  return null;
}

function readSources(value: unknown, at: string, faults: Fault[]): string[] {
  if (isAbsent(value) || value === "*") return ["*"];
  if (!Array.isArray(value)) {
    faults.push({ at, detail: "Sources are a list of ids of recordings, or *." });
    return ["*"];
  }
  if (value.length > limits.sources)
    faults.push({ at, detail: `There are more than ${limits.sources} sources.` });
  value.forEach((source, i) => {
    if (source !== "*" && !(typeof source === "string" && uuid.test(source))) {
      faults.push({ at: at + pointer(i), detail: "A source is the id of a recording, or *." });
    }
  });
  return value.filter((source) => typeof source === "string");
}
