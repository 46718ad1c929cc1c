import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { query, send } from "../api/client";
import { daysOf, fillDays, type Usage, type UsagePage } from "../api/usage";
import { Chart, type Series } from "../ui/Chart";

/** The most days that are drawn: one page of the API. */
const mostDays = 250;

/** The days of a span as lines. */
export function UsageCharts({ from, to, room }: { from: string; to: string; room: string | undefined }) {
  const path = `/usage${query({
    "filter[date][gte]": from,
    "filter[date][lte]": to,
    "filter[room_id]": room,
    group_by: "day",
    "page[size]": mostDays,
  })}`;
  const usage = useQuery({
    queryKey: ["usage", path],
    queryFn: ({ signal }) => send<UsagePage>({ method: "GET", path }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const drawn = useMemo(() => usage.data && draw(from, to, usage.data.data), [from, to, usage.data]);
  if (!drawn) return null;
  if (drawn.times.length > mostDays) {
    return <p className="hint">Up to {mostDays} days are drawn. The CSV has them all.</p>;
  }
  return (
    <div className="charts four">
      <Chart label="Minutes in sessions" times={drawn.times} series={drawn.people} unit="min" days />
      <Chart label="Minutes recorded and composed" times={drawn.times} series={drawn.media} unit="min" days />
      <Chart
        label={`Sent and downloaded, ${drawn.unit}`}
        times={drawn.times}
        series={drawn.sent}
        unit={drawn.unit}
        days
      />
      <Chart
        label={`Stored, ${drawn.unit}`}
        times={drawn.times}
        series={drawn.stored}
        unit={drawn.unit}
        days
      />
    </div>
  );
}

function draw(from: string, to: string, lines: Usage[]) {
  const dates = daysOf(from, to);
  const days = fillDays(dates, lines);
  const large = days.some((day) => Math.max(day.egress_mb, day.download_mb, day.stored_mb ?? 0) >= 5000);
  const scale = large ? 1000 : 1;
  const series = (
    name: string,
    colour: Series["colour"],
    of: (day: (typeof days)[number]) => number | null,
  ): Series => ({ name, colour, values: days.map(of) });
  return {
    times: dates.map((date) => Date.parse(date) / 1000),
    unit: large ? "GB" : "MB",
    people: [series("In sessions", "accent", (day) => day.participant_minutes)],
    media: [
      series("Recorded", "danger", (day) => day.recorded_minutes),
      series("Composed", "accent", (day) => day.composed_minutes),
    ],
    sent: [
      series("Sent to clients", "accent", (day) => day.egress_mb / scale),
      series("Downloaded", "warning", (day) => day.download_mb / scale),
    ],
    stored: [series("Stored", "muted", (day) => (day.stored_mb === null ? null : day.stored_mb / scale))],
  };
}
