import { IconVolume, IconVolumeOff } from "@tabler/icons-react";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { recordingsCall } from "../api/media";
import { useMay } from "../api/session";
import { Lanes } from "../playback/Lanes";
import { isThere, lanesOf, type Part, type Score } from "../playback/score";
import { Picture, Sound } from "../playback/Track";
import { Transport } from "../playback/Transport";
import { useEnsemble } from "../playback/useEnsemble";
import { useScore } from "../playback/useScore";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";

/** How many pictures are shown at once: browsers decode no more of them in time. */
const mostPictures = 16;
/** Seconds before its time that a recording is loaded. */
const ahead = 10;

/** The recordings of a session, played in step. */
export function PlaybackScreen() {
  const { sessionId } = useParams({ from: "/inside/recordings/session/$sessionId" });
  const may = useMay();
  const { score, unfinished, error, refresh } = useScore(sessionId);
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/recordings" search={{ session: sessionId }}>
          Recordings of the session
        </Link>
      </p>
      <header className="heading">
        <h1>Session, played in step</h1>
        {may("write") && may("media") && (
          <Link to="/compositions/new" search={{ session: sessionId }} className="button primary">
            Compose
          </Link>
        )}
      </header>
      <Fault error={error} />
      {unfinished > 0 && (
        <p className="muted" role="status">
          {unfinished === 1 ? "1 recording is" : `${unfinished} recordings are`} still being made, and{" "}
          {unfinished === 1 ? "joins" : "join"} when complete.
        </p>
      )}
      {!may("media") && (
        <p className="empty">Your role sees which recordings there are, and does not play them.</p>
      )}
      {may("media") && score && score.length === 0 && (
        <p className="empty">
          The session has no recordings that are complete. A room with “Record its sessions” switched on makes
          them.
        </p>
      )}
      {may("media") && score && score.length > 0 && <Performance score={score} onStale={refresh} />}
      <Curl call={recordingsCall({ session: sessionId })} />
    </div>
  );
}

function Performance({ score, onStale }: { score: Score; onStale: () => void }) {
  const { at: from = 0 } = useSearch({ from: "/inside/recordings/session/$sessionId" });
  const navigate = useNavigate({ from: "/recordings/session/$sessionId" });
  const ensemble = useEnsemble(score.length, from);
  const [silenced, setSilenced] = useState<ReadonlySet<string>>(new Set());
  const onRest = useCallback(
    (at: number) => void navigate({ search: { at: Math.round(at * 10) / 10 || undefined }, replace: true }),
    [navigate],
  );
  const silence = (lane: string) => {
    const next = new Set(silenced);
    if (!next.delete(lane)) next.add(lane);
    setSilenced(next);
  };
  const { at } = ensemble;
  const near = score.parts.filter((part) => part.from - ahead <= at && at < part.until + 1);
  const pictures = near.filter(({ type }) => type === "video");
  const gone = (part: Part) => !isThere(part, at);
  const seen = pictures.filter((part) => !gone(part));
  const kept = new Set([...seen, ...pictures.filter(gone)].slice(0, mostPictures));
  const voices = lanesOf({ ...score, parts: score.parts.filter(({ type }) => type === "audio") });
  return (
    <div className="performance">
      {score.parts.some(({ type }) => type === "video") && (
        <div className="tiles" data-count={Math.min(seen.length, mostPictures)}>
          {seen.length === 0 && <p className="nobody">Nobody is seen at this moment.</p>}
          {pictures
            .filter((part) => kept.has(part))
            .map((part) => (
              <div key={part.id} hidden={gone(part)}>
                <Picture part={part} ensemble={ensemble} onStale={onStale} />
              </div>
            ))}
        </div>
      )}
      {seen.length > mostPictures && (
        <p className="muted">
          {seen.length - mostPictures} more pictures are not shown. Compose them to see all.
        </p>
      )}
      {near
        .filter(({ type }) => type === "audio")
        .map((part) => (
          <Sound
            key={part.id}
            part={part}
            ensemble={ensemble}
            onStale={onStale}
            muted={silenced.has(part.lane)}
          />
        ))}
      <Transport ensemble={ensemble} onRest={onRest} />
      <div className="voices">
        {voices.map(({ key, name }) => (
          <button
            key={key}
            type="button"
            className="button"
            aria-pressed={!silenced.has(key)}
            onClick={() => silence(key)}
          >
            {silenced.has(key) ? (
              <IconVolumeOff size={16} aria-hidden />
            ) : (
              <IconVolume size={16} aria-hidden />
            )}
            {name}
          </button>
        ))}
      </div>
      <Lanes
        score={score}
        at={at}
        onSeek={(to) => {
          ensemble.seek(to);
          onRest(to);
        }}
      />
      <p className="hint">
        Space plays and pauses, the arrow keys go five seconds. The address keeps the moment.
      </p>
    </div>
  );
}
