import type { Room, State, Stream } from "@rotunda/video";
import { useEffect, useRef, useState } from "react";
import type { LiveSession } from "../../api/liveSession";
import { Fault } from "../../ui/Fault";
import { called } from "./people";
import { enter } from "./watching";

/** The pictures and the sound of a session, as one of its participants receives them. */
export default function WatchPanel({ session, onEnd }: { session: LiveSession; onEnd: () => void }) {
  const { session_id: id } = session;
  const [seen, setSeen] = useState<{ room: Room; state: State }>();
  const [failure, setFailure] = useState<unknown>();
  const [sound, setSound] = useState(true);
  useEffect(
    () =>
      enter(id, {
        seen: (room, state) => setSeen({ room, state }),
        failed: setFailure,
      }),
    [id],
  );
  // Who watches an empty room would keep its session going.
  const alone = seen !== undefined && session.participants.every(({ watcher }) => watcher);
  useEffect(() => {
    if (alone) onEnd();
  }, [alone, onEnd]);
  const streams = [...(seen?.state.streams.values() ?? [])].filter(({ origin }) => origin === "remote");
  return (
    <section className="card watch" aria-labelledby="watch">
      <div className="heading">
        <h2 id="watch">You are watching, and everyone sees it</h2>
        <div className="actions">
          <label className="switch">
            <input type="checkbox" checked={sound} onChange={(event) => setSound(event.target.checked)} />
            Sound
          </label>
          <button type="button" className="button" onClick={onEnd}>
            Stop watching
          </button>
        </div>
      </div>
      <Fault error={failure} />
      {!seen && !failure && <p className="muted">Joining as a watcher…</p>}
      {seen && streams.length === 0 && <p className="muted">Nobody publishes anything.</p>}
      {seen && (
        <ul className="pictures">
          {streams.map((stream) => (
            <Picture key={stream.id} room={seen.room} stream={stream} name={ownerOf(session, stream)} />
          ))}
        </ul>
      )}
      {seen && <Sound track={seen.state.mixedAudioTrack} on={sound} />}
    </section>
  );
}

function ownerOf(session: LiveSession, { participantId }: Stream): string {
  return called(
    session.participants.find(({ id }) => id === participantId) ?? { id: participantId, context: null },
  );
}

function Picture({ room, stream, name }: { room: Room; stream: Stream; name: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const { participantId, key, isVideoEnabled, isAudioEnabled, isAudioCensored } = stream;
  useEffect(
    () => (video.current ? room.attachVideo(participantId, key, video.current) : undefined),
    [room, participantId, key],
  );
  const microphone = isAudioCensored ? "muted by a moderator" : isAudioEnabled ? "" : "microphone off";
  return (
    <li>
      <video ref={video} muted autoPlay playsInline aria-label={`The picture of ${name}`} />
      <p>
        {name} · {key}
        {!isVideoEnabled && " · camera off"}
        {microphone && ` · ${microphone}`}
      </p>
    </li>
  );
}

function Sound({ track, on }: { track: MediaStreamTrack | undefined; on: boolean }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (audio.current) audio.current.srcObject = track ? new MediaStream([track]) : null;
  }, [track]);
  return <audio ref={audio} autoPlay muted={!on} />;
}
