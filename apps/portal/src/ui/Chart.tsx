import { type ReactNode, useEffect, useRef, useState } from "react";
import UPlot from "uplot";
import { useDark } from "../shell/theme";
import { useMoments } from "../shell/zone";
import { type Line, nameLines, readColours, readLines, roomFor } from "./lines";

export type Series = Line;

interface Props {
  label: string;
  times: number[]; // seconds
  series: Series[];
  unit?: string;
  /** The way to the list of what is counted. */
  children?: ReactNode;
}

const height = 180;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** What stands at a mark of the axis: the day where one begins, else the time. */
function markOf(seconds: number): string {
  const at = new Date(seconds * 1000);
  return at.getHours() === 0 && at.getMinutes() === 0 ? day.format(at) : clock.format(at);
}

/**
 * Thin lines over time, named at their ends where there are several: what one is, the heading says. Hovering reads all of them at that
 * moment; screen readers are told the sums.
 */
export function Chart({ label, times, series, unit = "", children }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [reading, setReading] = useState<string | null>(null);
  const dark = useDark();
  const { exact } = useMoments();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which dark changes
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const colour = readColours(element);
    const font = `12px ${getComputedStyle(element).fontFamily}`;
    const named = series.length > 1 ? series : [];
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
        padding: [
          8,
          roomFor(
            named.map(({ name }) => name),
            font,
          ),
          0,
          0,
        ],
        cursor: { y: false, points: { size: 6 } },
        legend: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.15))] } },
        axes: [
          { ...axis, values: (_, marks) => marks.map(markOf) },
          {
            ...axis,
            size: 44,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10_000, 50_000, 100_000],
          },
        ],
        series: [
          {},
          ...series.map((each) => ({
            stroke: colour(each.colour),
            width: 1.5,
            points: { show: each.values.filter((value) => value !== null).length < 2 }, // one makes no line
          })),
        ],
        hooks: {
          draw: [(self) => nameLines(self, named, colour, font)],
          setCursor: [({ cursor }) => setReading(readLines(cursor.idx, times, series, unit, exact))],
        },
      },
      [times, ...series.map(({ values }) => values)],
      element,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [times, series, unit, dark, exact]);
  const sums = series.map(
    ({ name, values }) =>
      `${name}: ${Math.round(values.reduce<number>((sum, each) => sum + (each ?? 0), 0))}`,
  );
  return (
    <figure className="chart">
      <figcaption>
        <span>{label}</span>
        {children && <span className="ways">{children}</span>}
      </figcaption>
      <div ref={frame} role="img" aria-label={`${label}. ${sums.join(", ")}`} />
      <p className="reading muted" aria-hidden>
        {reading ?? "\u00a0"}
      </p>
    </figure>
  );
}
