import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, send } from "../api/client";
import type { Page, Session } from "../api/types";
import { useMoments } from "../shell/zone";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { type Column, Table } from "../ui/Table";
import { lasting } from "./timeline/words";

/** The latest sessions of a room, each with the way to its timeline. */
export function RoomSessions({ roomId }: { roomId: string }) {
  const { exact } = useMoments();
  const columns: Column<Session>[] = [
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
