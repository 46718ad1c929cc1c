import { type ReactNode, useCallback, useMemo, useState } from "react";
import type UPlot from "uplot";
import { type Moments, momentsIn, useZone } from "../shell/zone";
import { type Line, nameLines, readLines, roomFor } from "./lines";
import { type Brush, usePlot } from "./usePlot";

export type Series = Line;

interface Props {
  label: string;
  times: number[]; // seconds
  series: Series[];
  unit?: string;
  /** Whether the times are days, which begin at midnight in UTC. */
  days?: boolean;
  /** The way to the list of what is counted. */
  children?: ReactNode;
}

/** What stands at a mark of the axis: the day where one begins, else the time. */
function markOf(seconds: number, { minute, day }: Moments): string {
  const time = minute(seconds * 1000);
  return time === "00:00" ? day(seconds * 1000) : time;
}

/**
 * Thin lines over time, named at their ends where there are several: what one is, the heading says. Hovering reads all of them at that
 * moment; screen readers are told the sums.
 */
export function Chart({ label, times, series, unit = "", days = false, children }: Props) {
  const [reading, setReading] = useState<string | null>(null);
  const chosen = useZone();
  const zone = days ? "utc" : chosen;
  const moments = useMemo(() => momentsIn(zone), [zone]);
  const options = useCallback(
    ({ colour, font, axis }: Brush): Omit<UPlot.Options, "width" | "height"> => {
      const named = series.length > 1 ? series : [];
      const names = named.map(({ name }) => name);
      return {
        padding: [8, roomFor(names, font), 0, 0],
        cursor: { y: false, points: { size: 6 } },
        scales: { y: { range: (_, __, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.15))] } },
        axes: [
          { ...axis, size: 28, values: (_, marks) => marks.map((mark) => markOf(mark, moments)) },
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
          setCursor: [
            ({ cursor }) =>
              setReading(readLines(cursor.idx, times, series, unit, days ? moments.day : moments.exact)),
          ],
        },
      };
    },
    [times, series, unit, days, moments],
  );
  const frame = usePlot(168, times, series, zone, options);
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
