import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { type Call, query, sendOne } from "../api/client";
import { nameOf } from "../api/history";
import type { Found } from "../api/types";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { Time } from "../ui/Time";
import { CompositionProgress } from "./CompositionProgress";
import { RecordingState } from "./RecordingState";

/** How many of a kind the server shows at most. */
const most = 10;

/** What a text names, of whatever kind it is. A whole id leads on to what it belongs to. */
export function SearchScreen() {
  const { text = "" } = useSearch({ from: "/inside/search" });
  const call: Call = { method: "GET", path: `/search${query({ text })}` };
  const search = useQuery({
    queryKey: ["search", text],
    queryFn: ({ signal }) => sendOne<Found>(call, signal),
  });
  const found = search.data;
  useLead(text, found);
  const total = found ? countOf(found) : 0;
  return (
    <div className="screen">
      <header className="heading">
        <h1>{text ? `“${text}”` : "Search"}</h1>
        <p className="muted small" role="status">
          {found && (total === 1 ? "1 found" : `${total} found`)}
        </p>
      </header>
      <Fault error={search.error} />
      {found && total === 0 && (
        <p className="empty">
          {text
            ? "Nothing has this as its id or the beginning of it, and no room has it in its name."
            : "The field above takes the name of a room, and any id: of a room, session, participant, recording or composition. The beginning of an id is enough, four characters of it."}
        </p>
      )}
      {found && <Kinds found={found} text={text} />}
      <Curl call={call} />
    </div>
  );
}

const countOf = (found: Found) =>
  found.rooms.length +
  found.room_sessions.length +
  found.room_participants.length +
  found.room_recordings.length +
  found.room_compositions.length;

/** Leads on to what a whole id belongs to. */
function useLead(text: string, found: Found | undefined): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (!found || text.length !== 36 || countOf(found) !== 1) return;
    const [room, session] = [found.rooms[0], found.room_sessions[0]];
    const [person, recording, composition] = [
      found.room_participants[0],
      found.room_recordings[0],
      found.room_compositions[0],
    ];
    const replace = true;
    if (room) void navigate({ to: "/rooms/$roomId", params: { roomId: room.id }, replace });
    if (session)
      void navigate({ to: "/sessions/$sessionId/timeline", params: { sessionId: session.id }, replace });
    if (person)
      void navigate({
        to: "/participants/$participantId/quality",
        params: { participantId: person.id },
        replace,
      });
    if (recording)
      void navigate({ to: "/recordings/$recordingId", params: { recordingId: recording.id }, replace });
    if (composition)
      void navigate({
        to: "/compositions/$compositionId",
        params: { compositionId: composition.id },
        replace,
      });
  }, [navigate, text, found]);
}

function Kinds({ found, text }: { found: Found; text: string }) {
  return (
    <>
      <Kind name="Rooms" rows={found.rooms}>
        {(room) => (
          <>
            <Link to="/rooms/$roomId" params={{ roomId: room.id }}>
              {room.unique_name ?? "Room without a name"}
            </Link>
            {room.active_session_id && <span className="badge live">Live</span>}
          </>
        )}
      </Kind>
      {found.rooms.length === most && (
        <Link to="/rooms" search={{ search: text }}>
          All rooms that “{text}” finds
        </Link>
      )}
      <Kind name="Sessions" rows={found.room_sessions}>
        {(session) => (
          <>
            <Link to="/sessions/$sessionId/timeline" params={{ sessionId: session.id }}>
              Timeline
            </Link>
            <span className={session.active ? "badge live" : "badge off"}>
              {session.active ? "Live" : "Over"}
            </span>
            <span className="muted">
              began <Time at={session.created_at} />
            </span>
          </>
        )}
      </Kind>
      <Kind name="Participants" rows={found.room_participants}>
        {(person) => (
          <>
            <Link to="/participants/$participantId/quality" params={{ participantId: person.id }}>
              {nameOf(person, person.id)}
            </Link>
            <span className="muted">
              joined <Time at={person.joined_at} />
            </span>
          </>
        )}
      </Kind>
      <Kind name="Recordings" rows={found.room_recordings}>
        {(recording) => (
          <>
            <Link to="/recordings/$recordingId" params={{ recordingId: recording.id }}>
              {recording.type === "video" ? "Picture" : "Sound"}
            </Link>
            <RecordingState recording={recording} />
            <span className="muted">
              began <Time at={recording.started_at} />
            </span>
          </>
        )}
      </Kind>
      <Kind name="Compositions" rows={found.room_compositions}>
        {(composition) => (
          <>
            <Link to="/compositions/$compositionId" params={{ compositionId: composition.id }}>
              {composition.format}
            </Link>
            <CompositionProgress composition={composition} />
            <span className="muted">
              asked for <Time at={composition.created_at} />
            </span>
          </>
        )}
      </Kind>
    </>
  );
}

function Kind<T extends { id: string }>({
  name,
  rows,
  children,
}: {
  name: string;
  rows: T[];
  children: (row: T) => ReactNode;
}) {
  if (rows.length === 0) return null;
  return (
    <section className="stack" aria-label={name}>
      <h2>{name}</h2>
      <ul className="found card">
        {rows.map((row) => (
          <li key={row.id}>
            {children(row)}
            <Id id={row.id} />
          </li>
        ))}
      </ul>
    </section>
  );
}
