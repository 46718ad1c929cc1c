import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { send } from "../api/client";
import type { Page, Recording } from "../api/types";
import { Id } from "../ui/Copy";
import { Fault } from "../ui/Fault";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";

interface Recorded {
  id: string;
  began: string;
  pictures: number;
  sounds: number;
}

const columns: Column<Recorded>[] = [
  {
    name: "Session",
    cell: ({ id, began }) => (
      <Link to="/compositions/new" search={{ session: id }} className="row-link">
        Recorded <Time at={began} />
      </Link>
    ),
  },
  { name: "Pictures", cell: ({ pictures }) => pictures, figures: true },
  { name: "Sounds", cell: ({ sounds }) => sounds, figures: true },
  { name: "Id", cell: ({ id }) => <Id id={id} />, wideOnly: true },
];

/** The sessions that were recorded last, of which one is to be composed. */
export function ChooseSession() {
  const recordings = useQuery({
    queryKey: ["recordings", "latest"],
    queryFn: ({ signal }) =>
      send<Page<Recording>>({ method: "GET", path: "/room_recordings?page%5Bsize%5D=250" }, signal),
  });
  return (
    <section className="stack" aria-labelledby="choose">
      <h2 id="choose">Choose the session</h2>
      <Fault error={recordings.error} />
      {recordings.data && (
        <Table
          label="Recorded sessions"
          columns={columns}
          rows={sessionsOf(recordings.data.data)}
          id={({ id }) => id}
          empty={
            <p>
              Nothing was recorded yet. <Link to="/rooms">Make a room</Link> with “Record its sessions”
              switched on, and meet in it.
            </p>
          }
        />
      )}
      <p className="hint">
        Sessions of the last 250 recordings. Older ones are found under{" "}
        <Link to="/recordings">Recordings</Link>: Play in step leads here.
      </p>
    </section>
  );
}

function sessionsOf(recordings: Recording[]): Recorded[] {
  const sessions = new Map<string, Recorded>();
  for (const { session_id: id, started_at: began, type } of recordings) {
    const session = sessions.get(id) ?? { id, began, pictures: 0, sounds: 0 };
    if (began < session.began) session.began = began;
    session[type === "video" ? "pictures" : "sounds"]++;
    sessions.set(id, session);
  }
  return [...sessions.values()];
}
