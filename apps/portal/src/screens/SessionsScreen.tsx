import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type SessionsSearch, sessionsCall } from "../api/records";
import type { Session } from "../api/types";
import { useMoments } from "../shell/zone";
import { Id } from "../ui/Copy";
import type { Column } from "../ui/Table";
import { ByObject } from "./ByObject";
import { RecordList } from "./RecordList";
import { lasting, reasonAlone } from "./timeline/words";

/** What is said of a session in any list. */
export function useSessionColumns(): Column<Session>[] {
  const { exact } = useMoments();
  return [
    {
      name: "Timeline of",
      cell: ({ id, created_at: began }) => (
        <Link to="/sessions/$sessionId/timeline" params={{ sessionId: id }} className="row-link">
          {exact(new Date(began))}
        </Link>
      ),
    },
    {
      name: "State",
      cell: ({ active }) => (
        <span className={active ? "badge live" : "badge off"}>{active ? "Live" : "Over"}</span>
      ),
    },
    {
      name: "Lasted",
      figures: true,
      cell: ({ created_at: began, ended_at: ended }) =>
        lasting((ended ? Date.parse(ended) : Date.now()) - Date.parse(began)),
    },
  ];
}

const further: Column<Session>[] = [
  {
    name: "Ended",
    cell: ({ ended_reason: reason }) =>
      reason ? reasonAlone(reason) : <span className="muted">Goes on</span>,
    wideOnly: true,
  },
  {
    name: "People",
    cell: ({ id }) => (
      <Link to="/sessions/people" search={{ session: id }}>
        People<span className="visually-hidden"> of the session {id}</span>
      </Link>
    ),
  },
  {
    name: "Room",
    cell: ({ room_id: id }) => (
      <Link to="/rooms/$roomId" params={{ roomId: id }}>
        {id.slice(0, 8)}…
      </Link>
    ),
    wideOnly: true,
  },
  { name: "Id", cell: ({ id }) => <Id id={id} />, wideOnly: true },
];

/** Every session of the account: those that go on, and those that are over. */
export function SessionsScreen() {
  const seek = useSearch({ from: "/inside/sessions" });
  const navigate = useNavigate({ from: "/sessions" });
  const columns = [...useSessionColumns(), ...further];
  const set = (change: Partial<SessionsSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <RecordList
      title="Sessions"
      noun={["session", "sessions"]}
      call={sessionsCall(seek)}
      columns={columns}
      spanned="Began"
      seek={seek}
      onSeek={set}
      empty={
        seek.state === "live" ? (
          <>
            No session goes on. One begins when somebody joins a room: <Link to="/rooms">Rooms</Link> has
            links to invite by.
          </>
        ) : seek.state || seek.room || seek.from || seek.until ? (
          "No session is like that."
        ) : (
          <>
            No session was held yet. <Link to="/rooms">Make a room</Link> and join it: that begins one.
          </>
        )
      }
    >
      <select
        className="select"
        aria-label="State"
        value={seek.state ?? ""}
        onChange={({ target }) => set({ state: (target.value || undefined) as SessionsSearch["state"] })}
      >
        <option value="">Every state</option>
        <option value="live">Live</option>
        <option value="over">Over</option>
      </select>
      <ByObject what="room" id={seek.room} onClear={() => set({ room: undefined })} />
    </RecordList>
  );
}
