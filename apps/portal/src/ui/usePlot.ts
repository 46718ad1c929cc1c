import { type RefObject, useEffect, useRef } from "react";
import UPlot from "uplot";
import { useDark } from "../shell/theme";
import type { Zone } from "../shell/zone";
import { type Line, type Palette, readColours } from "./lines";

/** What a plot is drawn with: colours and font of the theme, and what all axes have. */
export interface Brush {
  colour: Palette;
  font: string;
  axis: UPlot.Axis;
}

/**
 * Draws lines over time (seconds) into an element, as wide as that is, and anew when these, the theme or the options
 * change. Options that are made anew each time would draw each time.
 */
export function usePlot(
  height: number,
  times: number[],
  lines: Line[],
  zone: Zone,
  options: (brush: Brush) => Omit<UPlot.Options, "width" | "height">,
): RefObject<HTMLDivElement | null> {
  const frame = useRef<HTMLDivElement>(null);
  const dark = useDark();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which dark changes
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const colour = readColours(element);
    const font = `12px ${getComputedStyle(element).fontFamily}`;
    const axis: UPlot.Axis = {
      stroke: colour("muted"),
      font,
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
    };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        tzDate: (seconds) =>
          zone === "utc" ? UPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") : new Date(seconds * 1000),
        ...options({ colour, font, axis }),
      },
      [times, ...lines.map(({ values }) => values)],
      element,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [height, times, lines, options, zone, dark]);
  return frame;
}
