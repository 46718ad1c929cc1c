import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, send } from "../api/client";
import type { Page, Session } from "../api/types";
import { Listing } from "../ui/Listing";
import { useSessionColumns } from "./SessionsScreen";

/** The latest sessions of a room, each with the way to its timeline. */
export function RoomSessions({ roomId }: { roomId: string }) {
  const columns = useSessionColumns();
  const call: Call = { method: "GET", path: `/rooms/${roomId}/sessions?page[size]=10` };
  const sessions = useQuery({
    queryKey: ["sessions-of-room", roomId],
    queryFn: ({ signal }) => send<Page<Session>>(call, signal),
    refetchInterval: 10_000,
  });
  return (
    <section className="stack" aria-labelledby="sessions">
      <header className="heading">
        <h2 id="sessions">Latest sessions</h2>
        {(sessions.data?.meta.total_results ?? 0) > 0 && (
          <Link to="/sessions" search={{ room: roomId }}>
            All of them
          </Link>
        )}
      </header>
      <Listing
        label="Latest sessions of the room"
        call={call}
        list={sessions}
        columns={columns}
        id={(session) => session.id}
        empty="No session was held here yet. One begins when the first person joins; its timeline shows all that happens."
      />
    </section>
  );
}
