import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { sendOne } from "../api/client";
import { useOverview } from "../api/live";
import { useMay } from "../api/session";
import type { Activity } from "../api/types";
import { Chart, type Series } from "../ui/Chart";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";

const spans: [string, string][] = [
  ["1h", "Hour"],
  ["24h", "Day"],
  ["7d", "Week"],
  ["30d", "Month"],
];
const whole = new Intl.NumberFormat("en");
const gib = (mb: number) => `${whole.format(Math.round(mb / 1024))} GiB`;

/** What goes on now, and what went on lately. */
export function OverviewScreen() {
  const { overview: now, fresh } = useOverview();
  const may = useMay();
  return (
    <div className="screen">
      <header className="heading">
        <h1>Overview</h1>
        <p className="muted" role="status" data-fresh={fresh}>
          {fresh ? "Live" : "Connecting…"}
        </p>
      </header>
      {now && (
        <ul className="tally">
          <Figure name="People now" value={whole.format(now.active_participants)} />
          <Figure name="Sessions now" value={whole.format(now.active_sessions)} />
          <Figure name="Rooms" value={whole.format(now.rooms)} to="/rooms" />
          <Figure name="Recordings in work" value={whole.format(now.processing_recordings)} />
          <Figure name="Compositions waiting" value={whole.format(now.waiting_compositions)} />
          <Figure
            name="Webhooks failed, 24 h"
            value={whole.format(now.failed_deliveries)}
            alarming={now.failed_deliveries > 0}
          />
          <Figure
            name="Processors"
            value={now.machine.cpu_percent === null ? "–" : `${Math.round(now.machine.cpu_percent)} %`}
          />
          <Figure
            name="Disk free"
            value={now.machine.disk_free_mb === null ? "–" : gib(now.machine.disk_free_mb)}
            {...(may("administer") && { to: "/start" as const })}
          />
        </ul>
      )}
      <Charts />
      <Curl call={{ method: "GET", path: "/overview" }} />
    </div>
  );
}

function Figure({
  name,
  value,
  to,
  alarming = false,
}: {
  name: string;
  value: string;
  to?: "/rooms" | "/start";
  alarming?: boolean;
}) {
  const inner = (
    <>
      <span className="name">{name}</span>
      <span className="value">{value}</span>
    </>
  );
  return (
    <li className="figure" data-alarming={alarming}>
      {to ? <Link to={to}>{inner}</Link> : <div>{inner}</div>}
    </li>
  );
}

function Charts() {
  const { span = "24h" } = useSearch({ from: "/inside/" });
  const navigate = useNavigate();
  const activity = useQuery({
    queryKey: ["activity", span],
    queryFn: ({ signal }) => sendOne<Activity>({ method: "GET", path: `/activity?span=${span}` }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const drawn = useMemo(() => activity.data && draw(activity.data), [activity.data]);
  return (
    <section aria-labelledby="activity" className="stack">
      <div className="heading">
        <h2 id="activity">Activity</h2>
        <fieldset className="segments">
          <legend className="visually-hidden">How far back</legend>
          {spans.map(([value, name]) => (
            <label key={value}>
              <input
                type="radio"
                name="span"
                checked={span === value}
                onChange={() =>
                  void navigate({ to: "/", search: { span: value === "24h" ? undefined : value } })
                }
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <Fault error={activity.error} />
      {drawn && (
        <div className="charts">
          <Chart label="People in sessions" times={drawn.times} series={drawn.people} />
          <Chart label="Joins and lost connections" times={drawn.times} series={drawn.joins} />
          <Chart label="Participant minutes" times={drawn.times} series={drawn.minutes} unit="min" />
        </div>
      )}
    </section>
  );
}

function draw({ spans }: Activity) {
  const series = (
    name: string,
    colour: Series["colour"],
    of: (span: Activity["spans"][number]) => number,
  ): Series => ({
    name,
    colour,
    values: spans.map(of),
  });
  return {
    times: spans.map(({ at }) => new Date(at).getTime() / 1000),
    people: [series("People", "accent", (span) => span.participants)],
    joins: [
      series("Joins", "accent", (span) => span.joins),
      series("Lost connections", "danger", (span) => span.lost_connections),
    ],
    minutes: [series("Minutes", "accent", (span) => span.participant_minutes)],
  };
}
