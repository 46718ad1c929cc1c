import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { send } from "../api/client";
import { type SessionsSearch, sessionsCall } from "../api/records";
import type { Page, Session } from "../api/types";
import { useMoments } from "../shell/zone";
import { Id } from "../ui/Copy";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import { SpanFilter } from "../ui/SpanFilter";
import type { Column } from "../ui/Table";
import { ByObject } from "./ByObject";
import { SessionTabs } from "./SessionTabs";
import { lasting, reasonOf } from "./timeline/words";

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
    cell: ({ ended_reason: reason }) => (reason ? reasonOf(reason) : <span className="muted">goes on</span>),
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
  const call = sessionsCall(seek);
  const sessions = useQuery({
    queryKey: ["sessions", call.path],
    queryFn: ({ signal }) => send<Page<Session>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
  const columns = [...useSessionColumns(), ...further];
  const set = (change: Partial<SessionsSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Sessions</h1>
      </header>
      <SessionTabs />
      <search className="filters">
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
        <SpanFilter what="Began" from={seek.from} until={seek.until} onChange={set} />
        <ByObject what="room" id={seek.room} onClear={() => set({ room: undefined })} />
        <Pages
          meta={sessions.data?.meta}
          noun={["session", "sessions"]}
          onTurn={(page) => set({ page: page > 1 ? page : undefined })}
        />
      </search>
      <Listing
        label="Sessions"
        call={call}
        list={sessions}
        columns={columns}
        id={({ id }) => id}
        empty={
          seek.state === "live" ? (
            <p>
              No session goes on. One begins when somebody joins a room: <Link to="/rooms">Rooms</Link> has
              links to invite by.
            </p>
          ) : seek.state || seek.room || seek.from || seek.until ? (
            <p>No session is like that.</p>
          ) : (
            <p>
              No session was held yet. <Link to="/rooms">Make a room</Link> and join it: that begins one.
            </p>
          )
        }
      />
    </div>
  );
}
