import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { send } from "../api/client";
import { type RefusedSearch, refusedCall } from "../api/records";
import type { Page, RefusedJoin } from "../api/types";
import { Id } from "../ui/Copy";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import { SpanFilter } from "../ui/SpanFilter";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { ByObject } from "./ByObject";
import { SessionTabs } from "./SessionTabs";
import { reasonOf } from "./timeline/words";

const columns: Column<RefusedJoin>[] = [
  {
    name: "When",
    cell: ({ session_id: id, occurred_at: at }) => (
      <Link
        to="/sessions/$sessionId/timeline"
        params={{ sessionId: id }}
        search={{ at }}
        className="row-link"
      >
        <Time at={at} />
        <span className="visually-hidden">, in the timeline of the session</span>
      </Link>
    ),
  },
  { name: "Why", cell: ({ reason }) => reasonOf(reason) },
  { name: "Code", cell: ({ reason }) => <code>{reason}</code>, wideOnly: true },
  {
    name: "Room",
    cell: ({ room_id: id }) => (
      <Link to="/rooms/$roomId" params={{ roomId: id }}>
        {id.slice(0, 8)}…
      </Link>
    ),
  },
  { name: "Participant", cell: ({ participant_id: id }) => <Id id={id} />, wideOnly: true },
];

/** Who was turned away at the doors of sessions. */
export function RefusedScreen() {
  const seek = useSearch({ from: "/inside/sessions/refused" });
  const navigate = useNavigate({ from: "/sessions/refused" });
  const call = refusedCall(seek);
  const refused = useQuery({
    queryKey: ["refused", call.path],
    queryFn: ({ signal }) => send<Page<RefusedJoin>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
  const set = (change: Partial<RefusedSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Refused joins</h1>
      </header>
      <SessionTabs />
      <search className="filters">
        <SpanFilter what="Refused" from={seek.from} until={seek.until} onChange={set} />
        <ByObject what="room" id={seek.room} onClear={() => set({ room: undefined })} />
        <ByObject what="session" id={seek.session} onClear={() => set({ session: undefined })} />
        <Pages
          meta={refused.data?.meta}
          noun={["refused join", "refused joins"]}
          onTurn={(page) => set({ page: page > 1 ? page : undefined })}
        />
      </search>
      <Listing
        label="Refused joins"
        call={call}
        list={refused}
        columns={columns}
        id={({ id }) => id}
        empty={
          <p>
            Nobody was turned away at the door of a session
            {seek.from || seek.until || seek.room || seek.session ? " like that" : ""}. Whose token or room is
            not good comes to no session and is not here: the client is told why.
          </p>
        }
      />
    </div>
  );
}
