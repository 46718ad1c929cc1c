import type UPlot from "uplot";

/** A line of a chart: one value for each time, null where nothing is known, which is a gap. */
export interface Line {
  name: string;
  /** One of the theme's colours: the same thing has the same one everywhere. */
  colour: "accent" | "text" | "danger" | "warning" | "muted";
  values: (number | null)[];
}

/** How a colour of the theme is written for a canvas. */
export type Palette = (name: string) => string;

/** Reads the colours of the theme as they are on an element now. */
export function readColours(element: HTMLElement): Palette {
  return (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(--${name})`;
    element.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
}

/** A font of 12 px for a canvas, whose pixels are those of the screen. */
export const scaled = (font: string) => font.replace("12px", `${12 * devicePixelRatio}px`);

/** How much room names of lines take beside a plot, in pixels of the page. */
export function roomFor(names: string[], font: string): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context || names.length === 0) return 8;
  context.font = font;
  return Math.ceil(Math.max(...names.map((name) => context.measureText(name).width))) + 10;
}

/** Where names stand that want to be at these heights, from the top down: one below another, and none below the lowest. */
export function apart(wanted: number[], step: number, lowest: number): number[] {
  let above = Number.NEGATIVE_INFINITY;
  return wanted.map((height, i) => {
    above = Math.min(Math.max(height, above + step), lowest - (wanted.length - 1 - i) * step);
    return above;
  });
}

/** Writes each line's name beside its end. */
export function nameLines(plot: UPlot, lines: Line[], colour: Palette, font: string): void {
  const { ctx, bbox } = plot;
  const step = 14 * devicePixelRatio;
  const ends = lines
    .map(({ name, colour: tint, values }) => ({
      name,
      tint,
      y: plot.valToPos(values.findLast((value) => value !== null) ?? 0, "y", true),
    }))
    .sort((a, b) => a.y - b.y);
  const heights = apart(
    ends.map(({ y }) => y),
    step,
    bbox.top + bbox.height - step / 2,
  );
  ctx.save();
  ctx.font = scaled(font);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ends.forEach(({ name, tint }, i) => {
    ctx.fillStyle = colour(tint);
    ctx.fillText(name, bbox.left + bbox.width + 6 * devicePixelRatio, heights[i] ?? 0);
  });
  ctx.restore();
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** What all lines say at one of the times, in words; null where there is none. */
export function readLines(
  index: number | null | undefined,
  times: number[],
  lines: Line[],
  unit: string,
  when: (at: number) => string,
): string | null {
  const at = index === null || index === undefined ? undefined : times[index];
  if (at === undefined || index === null || index === undefined) return null;
  const values = lines.map(({ name, values }) => {
    const value = values[index] ?? null;
    return value === null ? `${name} –` : `${name} ${whole.format(value)}${unit && ` ${unit}`}`;
  });
  return `${when(at * 1000)}: ${values.join(", ")}`;
}
