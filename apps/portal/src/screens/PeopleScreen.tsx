import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { nameOf } from "../api/history";
import { leaving, type PeopleSearch, peopleCall } from "../api/records";
import type { Participant } from "../api/types";
import { Id } from "../ui/Copy";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { ByObject } from "./ByObject";
import { RecordList } from "./RecordList";
import { lasting, reasonAlone } from "./timeline/words";

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
    cell: ({ left_reason: reason }) => (reason ? reasonAlone(reason) : <span className="muted">–</span>),
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
  const set = (change: Partial<PeopleSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <RecordList
      title="People"
      noun={["person", "people"]}
      call={peopleCall(seek)}
      columns={columns}
      spanned={leaving(seek) ? "Left" : "Joined"}
      seek={seek}
      onSeek={set}
      empty={
        seek.state === "in" ? (
          <>
            Nobody is in a session. <Link to="/rooms">Rooms</Link> has links to invite by.
          </>
        ) : seek.state || seek.session || seek.from || seek.until ? (
          "Nobody is like that."
        ) : (
          <>
            Nobody was in a session yet. <Link to="/rooms">Make a room</Link> and invite somebody.
          </>
        )
      }
    >
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
      <ByObject what="session" id={seek.session} onClear={() => set({ session: undefined })} />
    </RecordList>
  );
}
