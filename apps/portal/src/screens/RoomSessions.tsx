import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, send } from "../api/client";
import type { Page, Room, Session } from "../api/types";
import { Listing } from "../ui/Listing";
import { useSessionColumns } from "./SessionsScreen";

/** The latest sessions of a room, each with the way to its timeline. */
export function RoomSessions({ room: { id, active_session_id: active } }: { room: Room }) {
  const columns = useSessionColumns();
  const call: Call = { method: "GET", path: `/rooms/${id}/sessions?page[size]=10` };
  const sessions = useQuery({
    queryKey: ["sessions-of-room", id, active], // one that begins or ends is there at once
    queryFn: ({ signal }) => send<Page<Session>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  return (
    <section className="stack" aria-labelledby="sessions">
      <header className="heading">
        <h2 id="sessions">Latest sessions</h2>
        {(sessions.data?.meta.total_results ?? 0) > 0 && (
          <Link to="/sessions" search={{ room: id }}>
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
