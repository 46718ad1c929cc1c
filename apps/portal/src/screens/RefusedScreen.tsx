import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type RefusedSearch, refusedCall } from "../api/records";
import type { RefusedJoin } from "../api/types";
import { Id } from "../ui/Copy";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { ByObject } from "./ByObject";
import { RecordList } from "./RecordList";
import { reasonAlone } from "./timeline/words";

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
  { name: "Why", cell: ({ reason }) => reasonAlone(reason) },
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
  const set = (change: Partial<RefusedSearch>) =>
    void navigate({ search: { ...seek, page: undefined, ...change }, replace: true });
  const filtered = seek.from || seek.until || seek.room || seek.session;
  return (
    <RecordList
      title="Refused joins"
      noun={["refused join", "refused joins"]}
      call={refusedCall(seek)}
      columns={columns}
      spanned="Refused"
      seek={seek}
      onSeek={set}
      empty={
        <>
          Nobody was turned away at the door of a session{filtered ? " like that" : ""}. Whose token or room
          is not good comes to no session and is not here: the client is told why.
        </>
      }
    >
      <ByObject what="room" id={seek.room} onClear={() => set({ room: undefined })} />
      <ByObject what="session" id={seek.session} onClear={() => set({ session: undefined })} />
    </RecordList>
  );
}
