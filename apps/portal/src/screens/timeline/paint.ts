import type { SessionDelivery } from "../../api/history";
import type { Moments } from "../../shell/zone";
import type { Lane, Span, Story, StreamLane } from "./model";
import { marks, type View } from "./view";

export const axisHeight = 32;
export const laneHeight = 48;
export const footHeight = 32;

/** Streams of one person that are drawn; further ones are in the list of events. */
const drawnStreams = 3;

export interface Colours {
  text: string;
  muted: string;
  line: string;
  surface: string;
  sunken: string;
  accent: string;
  danger: string;
  warning: string;
}

export interface Picture {
  story: Story;
  deliveries: SessionDelivery[];
  view: View;
  /** The moment that is looked at; null: the latest. */
  cursor: number | null;
  /** Where the pointer is. */
  pointer: number | null;
  now: number;
  /** By how much the lanes are scrolled. */
  scrolled: number;
  width: number;
  height: number;
  colours: Colours;
  font: string;
  moments: Moments;
}

/** Draws what is seen of a session. Only lanes and spans in sight are touched. */
export function paint(to: CanvasRenderingContext2D, picture: Picture): void {
  const { width, height, colours, story, scrolled, font } = picture;
  to.clearRect(0, 0, width, height);
  to.font = `12px ${font}`;
  drawAxis(to, picture);
  to.save();
  to.beginPath();
  to.rect(0, axisHeight, width, height - axisHeight - footHeight);
  to.clip();
  const first = Math.max(0, Math.floor(scrolled / laneHeight));
  const last = Math.min(story.lanes.length, Math.ceil((scrolled + height) / laneHeight));
  for (let i = first; i < last; i++) {
    const lane = story.lanes[i];
    if (lane) drawLane(to, picture, lane, axisHeight + i * laneHeight - scrolled);
  }
  to.restore();
  drawFoot(to, picture);
  for (const [at, colour, long] of [
    [picture.pointer, colours.muted, false],
    [picture.cursor, colours.accent, true],
  ] as const) {
    if (at === null) continue;
    const x = Math.round(xOf(at, picture)) + 0.5;
    stroke(to, colour, long ? 2 : 1, () => {
      to.moveTo(x, long ? 4 : axisHeight);
      to.lineTo(x, height);
    });
  }
}

function xOf(at: number, { view, width }: Picture): number {
  return ((at - view.from) / (view.to - view.from)) * width;
}

/** Where a span begins and ends on the screen; undefined if it is out of sight. Each is a pixel wide at least. */
function place(span: Span, picture: Picture): [number, number] | undefined {
  const end = Math.min(span.to, picture.now);
  if (end < picture.view.from || span.from > picture.view.to) return undefined;
  const from = Math.max(xOf(span.from, picture), -2);
  return [from, Math.max(Math.min(xOf(end, picture), picture.width + 2) - from, 1.5)];
}

function bar(
  to: CanvasRenderingContext2D,
  picture: Picture,
  span: Span,
  y: number,
  thick: number,
  colour: string,
): void {
  const placed = place(span, picture);
  if (!placed) return;
  to.fillStyle = colour;
  to.fillRect(placed[0], y, placed[1], thick);
}

function stroke(to: CanvasRenderingContext2D, colour: string, width: number, path: () => void): void {
  to.strokeStyle = colour;
  to.lineWidth = width;
  to.beginPath();
  path();
  to.stroke();
}

function drawAxis(to: CanvasRenderingContext2D, picture: Picture): void {
  const { colours, moments, width, height, view } = picture;
  const { at, step } = marks(view, Math.floor(width / 96));
  to.textBaseline = "middle";
  to.textAlign = "left";
  for (const mark of at) {
    const x = Math.round(xOf(mark, picture)) + 0.5;
    stroke(to, colours.line, 1, () => {
      to.moveTo(x, axisHeight - 8);
      to.lineTo(x, height);
    });
    to.fillStyle = colours.muted;
    const text =
      step < 60_000 ? moments.clock(mark) : step < 86_400_000 ? moments.minute(mark) : moments.day(mark);
    if (x < width - 40) to.fillText(text, x + 4, axisHeight / 2);
  }
  stroke(to, colours.line, 1, () => {
    to.moveTo(0, axisHeight - 0.5);
    to.lineTo(width, axisHeight - 0.5);
  });
}

function drawLane(to: CanvasRenderingContext2D, picture: Picture, lane: Lane, top: number): void {
  const { colours, width } = picture;
  stroke(to, colours.line, 1, () => {
    to.moveTo(0, top + laneHeight - 0.5);
    to.lineTo(width, top + laneHeight - 0.5);
  });
  bar(to, picture, lane.stay, top + 8, 10, colours.muted);
  for (const span of lane.muted) notch(to, picture, span, top + 8);
  for (const span of lane.lost) gap(to, picture, span, top + 8);
  let y = top + 22;
  for (const stream of lane.streams.slice(-drawnStreams)) {
    drawStream(to, picture, stream, y);
    y += 7;
  }
  for (const span of lane.paused) bar(to, picture, span, top + 4, 2, colours.warning);
  to.fillStyle = colours.text;
  for (const at of lane.layers) {
    if (at >= picture.view.from && at <= picture.view.to) to.fillRect(xOf(at, picture), top + 1, 1, 6);
  }
}

/** A mute is cut out of the stay's bar. */
function notch(to: CanvasRenderingContext2D, picture: Picture, span: Span, y: number): void {
  bar(to, picture, span, y, 6, picture.colours.surface);
}

/** A lost connection is a gap in it, with a dashed line in its place. */
function gap(to: CanvasRenderingContext2D, picture: Picture, span: Span, y: number): void {
  bar(to, picture, span, y, 10, picture.colours.surface);
  const placed = place(span, picture);
  if (!placed) return;
  to.setLineDash([3, 2]);
  stroke(to, picture.colours.danger, 2, () => {
    to.moveTo(placed[0], y + 5);
    to.lineTo(placed[0] + placed[1], y + 5);
  });
  to.setLineDash([]);
}

function drawStream(to: CanvasRenderingContext2D, picture: Picture, stream: StreamLane, y: number): void {
  const { colours } = picture;
  bar(to, picture, stream.span, y, 4, colours.accent);
  for (const span of stream.off) bar(to, picture, span, y, 3, colours.surface);
  for (const span of stream.silenced) bar(to, picture, span, y, 2, colours.warning);
  for (const span of stream.recorded) bar(to, picture, span, y + 5, 1.5, colours.danger);
}

/** Webhooks and refused joins stay in sight, at the bottom. */
function drawFoot(to: CanvasRenderingContext2D, picture: Picture): void {
  const { colours, story, deliveries, width, height, view } = picture;
  const top = height - footHeight;
  to.fillStyle = colours.sunken;
  to.fillRect(0, top, width, footHeight);
  const tick = (at: number, y: number, tall: number, colour: string) => {
    if (at < view.from || at > view.to) return;
    to.fillStyle = colour;
    to.fillRect(xOf(at, picture) - 1, y, 2, tall);
  };
  for (const { status, webhook } of deliveries) {
    const failed = status === "failed";
    tick(
      Date.parse(webhook.occurred_at),
      top + (failed ? 4 : 8),
      failed ? 24 : 16,
      failed ? colours.danger : status === "delivered" ? colours.accent : colours.muted,
    );
  }
  for (const at of story.refusals) {
    if (at < view.from || at > view.to) continue;
    const x = xOf(at, picture);
    stroke(to, colours.danger, 1.5, () => {
      to.moveTo(x - 4, top + 4);
      to.lineTo(x + 4, top + 12);
      to.moveTo(x + 4, top + 4);
      to.lineTo(x - 4, top + 12);
    });
  }
}
