import { IconDownload } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { type Call, send, sendOne } from "../api/client";
import { keepLinks, useSessionMedia } from "../api/media";
import { usePushed } from "../api/pushed";
import { useMay } from "../api/session";
import type { Recording } from "../api/types";
import { clock } from "../playback/score";
import { Confirm } from "../ui/Confirm";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fact } from "../ui/Fact";
import { Fault } from "../ui/Fault";
import { Time } from "../ui/Time";
import { MediaPlayer } from "./MediaPlayer";
import { RecordingState } from "./RecordingState";
import { Trouble } from "./Trouble";

/** One recording: where it is, why it is not there, and what is in it. */
export function RecordingScreen() {
  const { recordingId } = useParams({ from: "/inside/recordings/$recordingId" });
  const may = useMay();
  const [deleting, setDeleting] = useState(false);
  const call: Call = { method: "GET", path: `/room_recordings/${recordingId}` };
  const recording = usePushed({
    key: ["recording", recordingId],
    call,
    event: "room_recording",
    ask: (call, signal) => sendOne<Recording>(call, signal),
    share: keepLinks,
  });
  const { names } = useSessionMedia(recording.data?.session_id ?? "");
  const found = recording.data;
  if (!found) {
    return (
      <div className="screen">
        <Fault error={recording.error} />
      </div>
    );
  }
  const name = names?.get(found.participant_id) ?? "a participant";
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/recordings">Recordings</Link>
      </p>
      <header className="heading">
        <h1>
          {found.type === "video" ? "Picture" : "Sound"} of {name}
        </h1>
        <div className="actions">
          {found.download_url && (
            <a className="button" href={found.download_url}>
              <IconDownload size={18} aria-hidden />
              Download
            </a>
          )}
          <Link
            to="/recordings/session/$sessionId"
            params={{ sessionId: found.session_id }}
            className="button primary"
          >
            Play with the others
          </Link>
          {may("write") && found.status !== "processing" && (
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
          )}
        </div>
      </header>
      <Fault error={recording.error} />
      <Trouble of={found} failed="It is not tried again." waits="It is tried again until it succeeds." />
      {found.download_url && (
        <MediaPlayer
          link={found.download_url}
          type={found.type}
          label={`${found.type === "video" ? "Picture" : "Sound"} of ${name}`}
          onStale={() => void recording.refetch()}
        />
      )}
      {!may("media") && <p className="empty">Your role sees that it is there, and does not play it.</p>}
      <dl className="facts card">
        <Fact name="State">
          <RecordingState recording={found} />
        </Fact>
        <Fact name="Id">
          <Id id={found.id} />
        </Fact>
        <Fact name="Stream">{found.stream_key ?? "–"}</Fact>
        <Fact name="Codec">{found.codec ?? "not known yet"}</Fact>
        <Fact name="Length">{clock(found.duration_secs)}</Fact>
        <Fact name="Size">{found.size_mb.toFixed(1)} MB</Fact>
        <Fact name="Began">
          <Time at={found.started_at} />
        </Fact>
        <Fact name="Ended">
          <Time at={found.ended_at} otherwise="still running" />
        </Fact>
        <Fact name="Stored">
          <Time at={found.completed_at} otherwise="not yet" />
        </Fact>
        <Fact name="Room">
          <Link to="/rooms/$roomId" params={{ roomId: found.room_id }}>
            Its room
          </Link>
        </Fact>
        <Fact name="Participant">
          <Id id={found.participant_id} />
        </Fact>
        <Fact name="Session">
          <Id id={found.session_id} />
        </Fact>
      </dl>
      <Curl call={call} />
      {deleting && <DeleteRecording recording={found} name={name} onClose={() => setDeleting(false)} />}
    </div>
  );
}

function DeleteRecording({
  recording,
  name,
  onClose,
}: {
  recording: Recording;
  name: string;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const call: Call = { method: "DELETE", path: `/room_recordings/${recording.id}` };
  const remove = useMutation({
    mutationFn: () => send<void>(call),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["recordings"] });
      void client.invalidateQueries({ queryKey: ["recordings-of", recording.session_id] });
      void navigate({ to: "/recordings" });
    },
  });
  return (
    <Confirm
      title="Delete the recording"
      call={call}
      verb="Delete recording"
      sending={remove}
      onGo={() => remove.mutate()}
      onClose={onClose}
    >
      This deletes {clock(recording.duration_secs)} of {name} with the file, for good. Compositions made of it
      stay.
    </Confirm>
  );
}
