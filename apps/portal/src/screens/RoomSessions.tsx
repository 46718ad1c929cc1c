import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, send } from "../api/client";
import type { Page, Session } from "../api/types";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";
import { lasting } from "./timeline/words";

const columns: Column<Session>[] = [
  {
    name: "Began",
    cell: (session) => (
      <Link to="/sessions/$sessionId/timeline" params={{ sessionId: session.id }} className="row-link">
        <Time at={session.created_at} />
      </Link>
    ),
  },
  {
    name: "State",
    cell: (session) =>
      session.active ? <span className="badge live">Live</span> : <span className="badge off">Over</span>,
  },
  {
    name: "Lasted",
    figures: true,
    cell: (session) =>
      lasting(
        (session.ended_at ? new Date(session.ended_at).getTime() : Date.now()) -
          new Date(session.created_at).getTime(),
      ),
  },
];

/** The latest sessions of a room, each with the way to its timeline. */
export function RoomSessions({ roomId }: { roomId: string }) {
  const call: Call = { method: "GET", path: `/rooms/${roomId}/sessions?page[size]=10` };
  const sessions = useQuery({
    queryKey: ["sessions-of-room", roomId],
    queryFn: ({ signal }) => send<Page<Session>>(call, signal),
    refetchInterval: 10_000,
  });
  return (
    <section className="stack" aria-labelledby="sessions">
      <h2 id="sessions">Latest sessions</h2>
      <Fault error={sessions.error} />
      {sessions.data && (
        <Table
          label="Latest sessions of the room"
          columns={columns}
          rows={sessions.data.data}
          id={(session) => session.id}
          empty="No session was held here yet. One begins when the first person joins; its timeline shows all that happens."
        />
      )}
      <Curl call={call} />
    </section>
  );
}
