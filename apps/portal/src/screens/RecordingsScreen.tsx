import { IconMicrophone, IconVideo } from "@tabler/icons-react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../api/client";
import { type RecordingsSearch, recordingsCall } from "../api/media";
import { usePushed } from "../api/pushed";
import { useMay } from "../api/session";
import type { Page, Recording } from "../api/types";
import { clock } from "../playback/score";
import { Id } from "../ui/Copy";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { DeleteRecordings } from "./DeleteRecordings";
import { RecordingFilters } from "./RecordingFilters";
import { RecordingState } from "./RecordingState";

const megabytes = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

const columns: Column<Recording>[] = [
  {
    name: "Began",
    cell: (recording) => (
      <Link to="/recordings/$recordingId" params={{ recordingId: recording.id }} className="row-link kind">
        {recording.type === "video" ? (
          <IconVideo size={16} aria-hidden />
        ) : (
          <IconMicrophone size={16} aria-hidden />
        )}
        <span className="visually-hidden">{recording.type === "video" ? "Picture" : "Sound"}, </span>
        <Time at={recording.started_at} />
      </Link>
    ),
  },
  { name: "State", cell: (recording) => <RecordingState recording={recording} /> },
  { name: "Length", cell: (recording) => clock(recording.duration_secs), figures: true },
  { name: "MB", cell: (recording) => megabytes.format(recording.size_mb), figures: true, wideOnly: true },
  { name: "Stream", cell: ({ stream_key: key }) => key ?? <span className="muted">–</span>, wideOnly: true },
  { name: "Codec", cell: ({ codec }) => codec ?? <span className="muted">–</span>, wideOnly: true },
  {
    name: "Session",
    cell: ({ session_id: id }) => (
      <Link to="/recordings/session/$sessionId" params={{ sessionId: id }} className="session-link">
        Play in step
        <span className="visually-hidden"> the session {id}</span>
      </Link>
    ),
  },
  { name: "Participant", cell: ({ participant_id: id }) => <Id id={id} />, wideOnly: true },
];

/** Every recording of the account, found by what the API filters by. */
export function RecordingsScreen() {
  const seek = useSearch({ from: "/inside/recordings" });
  const navigate = useNavigate({ from: "/recordings" });
  const may = useMay();
  const [deleting, setDeleting] = useState(false);
  const call = recordingsCall(seek);
  const recordings = usePushed({
    key: ["recordings", call.path],
    call,
    turns: true,
    event: "room_recordings",
    ask: (call, signal) => send<Page<Recording>>(call, signal),
  });
  const { page: _, ...filters } = seek;
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const total = recordings.data?.meta.total_results ?? 0;
  return (
    <div className="screen">
      <header className="heading">
        <h1>Recordings</h1>
        {may("write") && total > 0 && (
          <button type="button" className="button" onClick={() => setDeleting(true)}>
            {isFiltered ? "Delete what is found" : "Delete all"}
          </button>
        )}
      </header>
      <RecordingFilters filters={filters} onChange={(search) => void navigate({ search, replace: true })}>
        <Pages
          meta={recordings.data?.meta}
          noun={["recording", "recordings"]}
          onTurn={(page) => void navigate({ search: { ...seek, page: page > 1 ? page : undefined } })}
        />
      </RecordingFilters>
      <Listing
        label="Recordings"
        call={call}
        list={recordings}
        columns={columns}
        id={(recording) => recording.id}
        empty={isFiltered ? <p>No recording is like that.</p> : <Teach />}
      />
      {deleting && (
        <DeleteRecordings filters={filters satisfies RecordingsSearch} onClose={() => setDeleting(false)} />
      )}
    </div>
  );
}

function Teach() {
  return (
    <p>
      There are no recordings yet. <Link to="/rooms">Make a room</Link> with “Record its sessions” switched
      on: every camera and microphone in it becomes one.
    </p>
  );
}
