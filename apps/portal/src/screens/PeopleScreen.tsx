import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { send } from "../api/client";
import { nameOf } from "../api/history";
import { leaving, type PeopleSearch, peopleCall } from "../api/records";
import type { Page, Participant } from "../api/types";
import { Id } from "../ui/Copy";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import { SpanFilter } from "../ui/SpanFilter";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { ByObject } from "./ByObject";
import { SessionTabs } from "./SessionTabs";
import { lasting, reasonOf } from "./timeline/words";

const columns: Column<Participant>[] = [
  {
    name: "Quality of",
    cell: (person) => (
      <Link
        to="/participants/$participantId/quality"
        params={{ participantId: person.id }}
        className="row-link"
      >
        {nameOf(person, person.id)}
      </Link>
    ),
  },
  {
    name: "State",
    cell: ({ left_at: left, left_reason: reason }) => (
      <span className={left ? (reason === "connection_lost" ? "badge bad" : "badge off") : "badge live"}>
        {left ? (reason === "connection_lost" ? "Connection lost" : "Left") : "In a session"}
      </span>
    ),
  },
  { name: "Joined", cell: ({ joined_at: at }) => <Time at={at} /> },
  {
    name: "Stayed",
    figures: true,
    cell: ({ joined_at: came, left_at: left }) =>
      lasting((left ? Date.parse(left) : Date.now()) - Date.parse(came)),
  },
  {
    name: "Left",
    cell: ({ left_reason: reason }) => (reason ? reasonOf(reason) : <span className="muted">–</span>),
    wideOnly: true,
  },
  {
    name: "Session",
    cell: ({ session_id: id }) => (
      <Link to="/sessions/$sessionId/timeline" params={{ sessionId: id }}>
        Timeline<span className="visually-hidden"> of the session {id}</span>
      </Link>
    ),
  },
  { name: "Id", cell: ({ id }) => <Id id={id} />, wideOnly: true },
];

/** Everybody who was or is in a session. */
export function PeopleScreen() {
  const seek = useSearch({ from: "/inside/sessions/people" });
  const navigate = useNavigate({ from: "/sessions/people" });
  const call = peopleCall(seek);
  const people = useQuery({
    queryKey: ["people", call.path],
    queryFn: ({ signal }) => send<Page<Participant>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
  const set = (change: Partial<PeopleSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <div className="screen">
      <header className="heading">
        <h1>People</h1>
      </header>
      <SessionTabs />
      <search className="filters">
        <select
          className="select"
          aria-label="State"
          value={seek.state ?? ""}
          onChange={({ target }) => set({ state: (target.value || undefined) as PeopleSearch["state"] })}
        >
          <option value="">Everybody</option>
          <option value="in">In a session now</option>
          <option value="out">Not any more</option>
          <option value="lost">Whose connection was lost</option>
        </select>
        <SpanFilter
          what={leaving(seek) ? "Left" : "Joined"}
          from={seek.from}
          until={seek.until}
          onChange={set}
        />
        <ByObject what="session" id={seek.session} onClear={() => set({ session: undefined })} />
        <Pages
          meta={people.data?.meta}
          noun={["person", "people"]}
          onTurn={(page) => set({ page: page > 1 ? page : undefined })}
        />
      </search>
      <Listing
        label="People"
        call={call}
        list={people}
        columns={columns}
        id={({ id }) => id}
        empty={
          seek.state === "in" ? (
            <p>
              Nobody is in a session. <Link to="/rooms">Rooms</Link> has links to invite by.
            </p>
          ) : seek.state || seek.session || seek.from || seek.until ? (
            <p>Nobody is like that.</p>
          ) : (
            <p>
              Nobody was in a session yet. <Link to="/rooms">Make a room</Link> and invite somebody.
            </p>
          )
        }
      />
    </div>
  );
}
