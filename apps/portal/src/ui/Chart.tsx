import { useEffect, useRef } from "react";
import UPlot from "uplot";
import { useDark } from "../shell/theme";

export interface Series {
  name: string;
  /** null where nothing is known: a gap. */
  values: (number | null)[];
  /** One of the theme's colours: the same thing has the same one everywhere. */
  colour: "accent" | "danger" | "muted" | "warning";
}

interface Props {
  label: string;
  times: number[]; // seconds
  series: Series[];
  unit?: string;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** What stands at a mark of the axis: the day where one begins, else the time. */
function markOf(seconds: number): string {
  const at = new Date(seconds * 1000);
  return at.getHours() === 0 && at.getMinutes() === 0 ? day.format(at) : clock.format(at);
}

/** Thin lines over time. Hovering reads all of them at that moment; a table behind it says the same to screen readers. */
export function Chart({ label, times, series, unit = "" }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const dark = useDark();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which dark changes
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const colour = (name: string) => {
      const probe = document.createElement("span");
      probe.style.color = `var(--${name})`;
      element.append(probe);
      const found = getComputedStyle(probe).color;
      probe.remove();
      return found;
    };
    const axis: UPlot.Axis = {
      stroke: colour("muted"),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
    };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: 180,
        padding: [8, 8, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        legend: { live: true },
        scales: { y: { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.15))] } },
        axes: [
          { ...axis, values: (_, marks) => marks.map(markOf) },
          {
            ...axis,
            size: 44,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10_000, 50_000, 100_000],
          },
        ],
        series: [
          { value: "{D} {MMM} {HH}:{mm}" },
          ...series.map((each) => ({
            label: each.name,
            stroke: colour(each.colour),
            width: 1.5,
            points: { show: each.values.filter((value) => value !== null).length < 2 }, // one makes no line
            value: (_: UPlot, value: number | null) =>
              value === null ? "–" : `${Math.round(value * 10) / 10}${unit && ` ${unit}`}`,
          })),
        ],
      },
      [times, ...series.map(({ values }) => values)],
      element,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 180 }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [times, series, unit, dark]);
  const sums = series.map(
    ({ name, values }) =>
      `${name}: ${Math.round(values.reduce<number>((sum, each) => sum + (each ?? 0), 0))}`,
  );
  return (
    <figure className="chart">
      <figcaption>{label}</figcaption>
      <div ref={frame} role="img" aria-label={`${label}. ${sums.join(", ")}`} />
    </figure>
  );
}
