import { IconDownload } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type Call, query, send } from "../api/client";
import { daysBefore, today, type Usage, type UsagePage, type Used } from "../api/usage";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { Pages } from "../ui/Pages";
import { type Column, Table } from "../ui/Table";
import { UsageCharts } from "./UsageCharts";

export interface UsageSearch {
  from?: string;
  to?: string;
  room?: string;
  by?: "day" | "room_day";
  page?: number;
}

const spans: [days: number, name: string][] = [
  [7, "Week"],
  [30, "30 days"],
  [90, "90 days"],
];
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** A time in minutes. */
export const minutes = (n: number) =>
  n > 0 && n < 1 ? `${Math.round(n * 60)} s` : `${n < 10 ? short.format(n) : whole.format(n)} min`;
/** A size in the unit that suits it. */
export const size = (mb: number) =>
  mb >= 1e6
    ? `${short.format(mb / 1e6)} TB`
    : mb >= 1000
      ? `${short.format(mb / 1000)} GB`
      : `${short.format(mb)} MB`;

/** What rooms used, by day and by room. */
export function UsageScreen() {
  const search = useSearch({ from: "/inside/usage" });
  const navigate = useNavigate({ from: "/usage" });
  const { room, by = "room" } = search;
  const to = search.to ?? today();
  const from = search.from ?? daysBefore(to, 29);
  const filters = { "filter[date][gte]": from, "filter[date][lte]": to, "filter[room_id]": room };
  const call: Call = {
    method: "GET",
    path: `/usage${query({ ...filters, group_by: by, "page[number]": search.page, "page[size]": 50 })}`,
  };
  const usage = useQuery({
    queryKey: ["usage", call.path],
    queryFn: ({ signal }) => send<UsagePage>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
  const go = (changes: UsageSearch) => void navigate({ search: { ...search, page: undefined, ...changes } });
  const file = `/v2/usage${query({ ...filters, group_by: by, format: "csv" })}`;
  const named = room && usage.data?.data.find((line) => line.room_id === room)?.room_name;
  return (
    <div className="screen">
      <header className="heading">
        <h1>Usage</h1>
        <a className="button" href={file} download>
          <IconDownload size={18} aria-hidden />
          CSV
        </a>
      </header>
      <Days from={from} to={to} onChange={go} />
      {room && (
        <p className="filtered">
          Only the room {named ?? <code>{room}</code>}.{" "}
          <button type="button" className="link" onClick={() => go({ room: undefined })}>
            Show all rooms
          </button>
        </p>
      )}
      <Fault error={usage.error} />
      {usage.data && <Tally used={usage.data.totals} />}
      <UsageCharts from={from} to={to} room={room} />
      <section className="stack" aria-labelledby="lines">
        <h2 id="lines" className="visually-hidden">
          Lines
        </h2>
        <div className="filters">
          <select
            className="select"
            aria-label="Add up"
            value={by}
            onChange={(event) =>
              go({
                by: event.target.value === "room" ? undefined : (event.target.value as "day" | "room_day"),
              })
            }
          >
            <option value="room">By room</option>
            <option value="day">By day</option>
            <option value="room_day">By room and day</option>
          </select>
          <Pages
            meta={usage.data?.meta}
            noun={["line", "lines"]}
            onTurn={(page) => go({ page: page > 1 ? page : undefined })}
          />
        </div>
        {usage.data && (
          <Table
            label="Usage"
            columns={columnsOf(by, (id) => go({ room: id, by: "day" }))}
            rows={usage.data.data}
            id={(line) => `${line.date} ${line.room_id}`}
            empty={
              <p>
                Nothing was used on these days. It begins when somebody joins <Link to="/rooms">a room</Link>.
              </p>
            }
          />
        )}
      </section>
      <p className="hint">
        Days are in UTC. Those who are in a session now count up to now. Egress is written down every 10
        seconds.
      </p>
      <Curl call={call} />
    </div>
  );
}

function Days({ from, to, onChange }: { from: string; to: string; onChange: (change: UsageSearch) => void }) {
  const last = today();
  const recent = (days: number) => to === last && from === daysBefore(last, days - 1);
  return (
    <div className="filters">
      <fieldset className="segments">
        <legend className="visually-hidden">How far back</legend>
        {spans.map(([days, name]) => (
          <label key={days}>
            <input
              type="radio"
              name="days"
              checked={recent(days)}
              onChange={() =>
                onChange({ from: days === 30 ? undefined : daysBefore(last, days - 1), to: undefined })
              }
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <div className="days">
        <label>
          <span>From</span>
          <input
            type="date"
            className="input"
            value={from}
            max={to}
            onChange={({ target }) => target.value && onChange({ from: target.value, to })}
          />
        </label>
        <label>
          <span>to</span>
          <input
            type="date"
            className="input"
            value={to}
            min={from}
            max={last}
            onChange={({ target }) => target.value && onChange({ from, to: target.value })}
          />
        </label>
      </div>
    </div>
  );
}

function Tally({ used }: { used: Used }) {
  const figures: [string, string][] = [
    ["In sessions", minutes(used.participant_minutes)],
    ["Recorded", minutes(used.recorded_minutes)],
    ["Composed", minutes(used.composed_minutes)],
    ["Sent to clients", size(used.egress_mb)],
    ["Downloaded", size(used.download_mb)],
    ["Stored", size(used.stored_mb)],
  ];
  return (
    <ul className="tally six">
      {figures.map(([name, value]) => (
        <li key={name} className="figure">
          <div>
            <span className="name">{name}</span>
            <span className="value">{value}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

function columnsOf(by: "room" | "day" | "room_day", onRoom: (id: string) => void): Column<Usage>[] {
  const date: Column<Usage> = { name: "Day", cell: (line) => line.date };
  const room: Column<Usage> = {
    name: "Room",
    cell: (line) =>
      line.room_id && (
        <button type="button" className="link" onClick={() => onRoom(line.room_id ?? "")}>
          {line.room_name ?? `${line.room_id.slice(0, 8)}…`}
        </button>
      ),
  };
  const figure = (name: string, cell: Column<Usage>["cell"], wideOnly = false): Column<Usage> => ({
    name,
    cell,
    figures: true,
    wideOnly,
  });
  return [
    ...(by === "room" ? [] : [date]),
    ...(by === "day" ? [] : [room]),
    figure("In sessions", (line) => minutes(line.participant_minutes)),
    figure("Recorded", (line) => minutes(line.recorded_minutes), true),
    figure("Composed", (line) => minutes(line.composed_minutes), true),
    figure("Sent", (line) => size(line.egress_mb)),
    figure("Downloaded", (line) => size(line.download_mb), true),
    figure("Stored", (line) => size(line.stored_mb)),
  ];
}
