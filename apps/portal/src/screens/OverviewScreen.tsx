import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { sendOne } from "../api/client";
import { useOverview } from "../api/live";
import { useMay } from "../api/session";
import type { Activity, Overview } from "../api/types";
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
  return (
    <div className="screen">
      <header className="heading">
        <h1>Overview</h1>
        <p className="muted" role="status" data-fresh={fresh}>
          {fresh ? "Live" : "Connecting…"}
        </p>
      </header>
      {now && <Figures now={now} />}
      <Charts />
      <Curl call={{ method: "GET", path: "/overview" }} />
    </div>
  );
}

/** The way to a list. */
interface Way {
  to:
    | "/rooms"
    | "/sessions"
    | "/sessions/people"
    | "/sessions/refused"
    | "/recordings"
    | "/compositions"
    | "/webhooks"
    | "/system"
    | "/usage";
  search?: Record<string, string>;
}

/** What there is now. Each figure leads to what it counts. */
function Figures({ now }: { now: Overview }) {
  const may = useMay();
  const { cpu_percent: cpu, disk_free_mb: free } = now.machine;
  const enqueued = Math.max(0, now.waiting_compositions - now.processing_compositions); // counted one after the other
  const since = dayBefore(now.at);
  const webhooks = (search: Way["search"]) =>
    may("write") ? { to: "/webhooks" as const, search } : undefined;
  const machine: Way = may("administer") ? { to: "/system" } : { to: "/usage" };
  const figures: [name: string, value: string, way?: Way | undefined][] = [
    [
      "People now",
      whole.format(now.active_participants),
      { to: "/sessions/people", search: { state: "in" } },
    ],
    ["Sessions now", whole.format(now.active_sessions), { to: "/sessions", search: { state: "live" } }],
    ["Rooms", whole.format(now.rooms), { to: "/rooms" }],
    [
      "Joins refused, 24 h",
      whole.format(now.refused_joins),
      { to: "/sessions/refused", search: { from: since } },
    ],
    ["Recordings in work", whole.format(now.processing_recordings), inWork("/recordings")],
    ["Compositions in work", whole.format(now.processing_compositions), inWork("/compositions")],
    ["Compositions waiting", whole.format(enqueued), { to: "/compositions", search: { status: "enqueued" } }],
    ["Webhooks waiting", whole.format(now.pending_deliveries), webhooks({ status: "pending" })],
    [failed, whole.format(now.failed_deliveries), webhooks({ status: "failed", from: since })],
    ["Processors", cpu === null ? "–" : `${Math.round(cpu)} %`, machine],
    ["Disk free", free === null ? "–" : gib(free), machine],
  ];
  return (
    <ul className="tally six">
      {figures.map(([name, value, way]) => (
        <Figure
          key={name}
          name={name}
          value={value}
          way={way}
          alarming={name === failed && now.failed_deliveries > 0}
        />
      ))}
    </ul>
  );
}

const failed = "Webhooks failed, 24 h";
const inWork = (to: Way["to"]): Way => ({ to, search: { status: "processing" } });

/** A day before a time, to the minute: the same for a while, so that the way to it is. */
const dayBefore = (at: string) =>
  new Date(Math.floor(Date.parse(at) / 60_000) * 60_000 - 86_400_000).toISOString();

function Figure({
  name,
  value,
  way,
  alarming = false,
}: {
  name: string;
  value: string;
  /** Where the list is; there is none for those who may not see it. */
  way?: Way | undefined;
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
      {way ? (
        <Link to={way.to} search={way.search ?? {}}>
          {inner}
        </Link>
      ) : (
        <div>{inner}</div>
      )}
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
        <div className="charts four">
          <Chart label="People in sessions" times={drawn.times} series={drawn.people}>
            <Link to="/sessions" search={{ from: drawn.from }}>
              Sessions
            </Link>
          </Chart>
          <Chart label="Joins" times={drawn.times} series={drawn.joins}>
            <Link to="/sessions/people" search={{ from: drawn.from }}>
              {counted(drawn.sums.joins, "join", "joins")}
            </Link>
          </Chart>
          <Chart label="What failed" times={drawn.times} series={drawn.failures}>
            <Link to="/sessions/people" search={{ state: "lost", from: drawn.from }}>
              {counted(drawn.sums.lost, "lost connection", "lost connections")}
            </Link>
            <Link to="/sessions/refused" search={{ from: drawn.from }}>
              {counted(drawn.sums.refused, "refused join", "refused joins")}
            </Link>
          </Chart>
          <Chart label="Participant minutes" times={drawn.times} series={drawn.minutes} unit="min">
            <Link to="/usage">Usage</Link>
          </Chart>
        </div>
      )}
    </section>
  );
}

function draw({ spans }: Activity) {
  type Span = Activity["spans"][number];
  const series = (name: string, colour: Series["colour"], of: (span: Span) => number): Series => ({
    name,
    colour,
    values: spans.map(of),
  });
  const sum = (of: (span: Span) => number) => spans.reduce((total, span) => total + of(span), 0);
  return {
    from: spans[0]?.at,
    times: spans.map(({ at }) => new Date(at).getTime() / 1000),
    people: [series("People", "accent", (span) => span.participants)],
    joins: [series("Joins", "accent", (span) => span.joins)],
    failures: [
      series("Lost", "danger", (span) => span.lost_connections),
      series("Refused", "warning", (span) => span.refused_joins),
    ],
    minutes: [series("Minutes", "accent", (span) => span.participant_minutes)],
    sums: {
      joins: sum((span) => span.joins),
      lost: sum((span) => span.lost_connections),
      refused: sum((span) => span.refused_joins),
    },
  };
}

const counted = (n: number, one: string, many: string) => `${whole.format(n)} ${n === 1 ? one : many}`;
