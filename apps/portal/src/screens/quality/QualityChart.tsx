import { useCallback, useRef, useState } from "react";
import type UPlot from "uplot";
import { useMoments, useZone } from "../../shell/zone";
import { nameLines, readLines, scaled } from "../../ui/lines";
import { type Brush, usePlot } from "../../ui/usePlot";
import type { ChartData } from "./series";

/** Evidence of a finding. Times are seconds. */
export interface Evidence {
  letter: string;
  from: number;
  to: number;
}

interface Props {
  times: number[];
  data: ChartData;
  evidence: Evidence[];
  /** Dragging over a chart chooses a time; seconds. */
  onChoose: (from: number, to: number) => void;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** Lines over time, named at their ends, with the evidence of findings behind them. All charts of a page read the same moment. */
export function QualityChart(props: Props) {
  const { data, evidence } = props;
  return (
    <figure className="chart quality-chart">
      <figcaption>
        {data.title}
        {data.unit && <span className="muted"> {data.unit}</span>}
      </figcaption>
      {data.lines.length === 0 ? (
        <p className="muted small unmeasured">Nothing was measured.</p>
      ) : (
        <Lines {...props} words={`${data.title}. ${inWords(data, evidence)}`} />
      )}
    </figure>
  );
}

function Lines({ times, data, evidence, onChoose, words }: Props & { words: string }) {
  const [reading, setReading] = useState<string | null>(null);
  const zone = useZone();
  const moments = useMoments();
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const options = useCallback(
    ({ colour, font, axis }: Brush): Omit<UPlot.Options, "width" | "height"> => ({
      padding: [14, 76, 0, 0], // the same for all, so that moments stand below one another
      cursor: {
        y: false,
        points: { size: 5 },
        sync: { key: "quality" },
        drag: { x: true, y: false, setScale: false },
      },
      scales: {
        y: { range: (_, __, most) => [0, Math.max(data.unit === "%" ? 2 : 4, (most ?? 0) * 1.15)] },
      },
      axes: [
        { ...axis, size: 28, values: (_, marks) => marks.map((mark) => label(mark, moments, marks)) },
        { ...axis, size: 52, values: (_, marks) => marks.map((mark) => whole.format(mark)) },
      ],
      series: [
        {},
        ...data.lines.map((line) => ({ stroke: colour(line.colour), width: 1.5, points: { size: 4 } })),
      ],
      hooks: {
        drawClear: [(self) => drawEvidence(self, evidence, colour("danger"), font)],
        draw: [(self) => nameLines(self, data.lines, colour, font)],
        setCursor: [
          ({ cursor }) => setReading(readLines(cursor.idx, times, data.lines, data.unit, moments.clock)),
        ],
        setSelect: [
          (self) => {
            if (self.select.width < 8) return;
            const [from, to] = [self.select.left, self.select.left + self.select.width];
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            choose.current(self.posToVal(from, "x"), self.posToVal(to, "x"));
          },
        ],
      },
    }),
    [times, data, evidence, moments],
  );
  const frame = usePlot(152, times, data.lines, zone, options);
  return (
    <>
      <div ref={frame} role="img" aria-label={words} />
      <p className="reading muted" aria-hidden>
        {reading ?? "\u00a0"}
      </p>
    </>
  );
}

function label(mark: number, { clock, minute }: ReturnType<typeof useMoments>, marks: number[]): string {
  const apart = (marks[1] ?? mark + 60) - (marks[0] ?? mark);
  return apart < 60 ? clock(mark * 1000) : minute(mark * 1000);
}

/** Marks the times of findings, each with its letter. */
function drawEvidence(plot: UPlot, evidence: Evidence[], colour: string, font: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 14 * devicePixelRatio, bbox.width, bbox.height + 14 * devicePixelRatio);
  ctx.clip();
  for (const { letter, from, to } of evidence) {
    const [left, right] = [plot.valToPos(from, "x", true), plot.valToPos(to, "x", true)];
    ctx.globalAlpha = 0.13;
    ctx.fillStyle = colour;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    ctx.globalAlpha = 1;
    ctx.font = scaled(font);
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(letter, Math.max(left, bbox.left), bbox.top - 1);
  }
  ctx.restore();
}

/** What a chart shows, for those who do not see it. */
function inWords(data: ChartData, evidence: Evidence[]): string {
  const said = data.lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const most = Math.max(...known);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return `${name}: ${whole.format(mean)} ${data.unit} on average, ${whole.format(most)} at most`;
  });
  const letters = [...new Set(evidence.map(({ letter }) => letter))];
  if (letters.length > 0) said.push(`Evidence of ${letters.join(", ")}`);
  return said.join(". ");
}
