import { IconDownload } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { type Call, send, sendOne } from "../api/client";
import { compositionCall, isUnfinished, orderCall, orderOf } from "../api/compositions";
import { keepLinks } from "../api/media";
import { usePushed } from "../api/pushed";
import { useMay } from "../api/session";
import type { Composition } from "../api/types";
import { bodyOf, hasPicture } from "../composer/order";
import { clock } from "../playback/score";
import { Confirm } from "../ui/Confirm";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fact } from "../ui/Fact";
import { Fault } from "../ui/Fault";
import { Time } from "../ui/Time";
import { CompositionProgress } from "./CompositionProgress";
import { MediaPlayer } from "./MediaPlayer";
import { Trouble } from "./Trouble";
import { useRetry } from "./useRetry";

/** One composition: how far it is, why it failed, and what came of it. */
export function CompositionScreen() {
  const { compositionId } = useParams({ from: "/inside/compositions/$compositionId" });
  const may = useMay();
  const retry = useRetry();
  const [deleting, setDeleting] = useState(false);
  const call = compositionCall(compositionId);
  const composition = usePushed({
    key: ["composition", compositionId],
    call,
    event: "room_composition",
    ask: (call, signal) => sendOne<Composition>(call, signal),
    share: keepLinks,
  });
  const found = composition.data;
  if (!found) {
    return (
      <div className="screen">
        <Fault error={composition.error} />
      </div>
    );
  }
  return (
    <div className="screen">
      <p className="trail">
        <Link to="/compositions">Compositions</Link>
      </p>
      <header className="heading">
        <h1>Composition</h1>
        <div className="actions">
          {found.download_url && (
            <a className="button primary" href={found.download_url}>
              <IconDownload size={18} aria-hidden />
              Download
            </a>
          )}
          {may("write") && (
            <>
              {found.status === "failed" && (
                <button
                  type="button"
                  className="button primary"
                  disabled={retry.isPending}
                  onClick={() => retry.mutate(found)}
                >
                  Try again
                </button>
              )}
              {may("media") && (
                <Link to="/compositions/new" search={{ from: found.id }} className="button">
                  Draw another like it
                </Link>
              )}
              <button type="button" className="button" onClick={() => setDeleting(true)}>
                {isUnfinished(found) ? "Cancel" : "Delete"}
              </button>
            </>
          )}
        </div>
      </header>
      <Fault error={composition.error ?? retry.error} />
      <Trouble of={found} failed="It is not tried again by itself." waits="It goes on by itself." />
      <Warnings warnings={found.warnings} />
      {found.download_url && (
        <MediaPlayer
          link={found.download_url}
          type={hasPicture(found) ? "video" : "audio"}
          label="The composition"
          onStale={() => void composition.refetch()}
        />
      )}
      <Facts composition={found} />
      <details className="curl">
        <summary>What it was asked for by</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
        <pre className="asked mono" tabIndex={0}>
          {JSON.stringify(bodyOf(orderOf(found)), null, 2)}
        </pre>
        {may("write") && <Curl call={orderCall(orderOf(found))} />}
      </details>
      <Curl call={call} />
      {deleting && <DeleteComposition composition={found} onClose={() => setDeleting(false)} />}
    </div>
  );
}

/** What is not as it was asked for. */
function Warnings({ warnings }: { warnings: string[] }) {
  if (warnings.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="warnings">
      <h2 id="warnings">Not as it was asked for</h2>
      <ul className="warnings">
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </section>
  );
}

function Facts({ composition: it }: { composition: Composition }) {
  const isMade = it.status === "completed";
  return (
    <dl className="facts card">
      <Fact name="State">
        <CompositionProgress composition={it} />
      </Fact>
      <Fact name="Id">
        <Id id={it.id} />
      </Fact>
      <Fact name="Format">{it.format}</Fact>
      {hasPicture(it) && <Fact name="Frame">{it.resolution.replace("x", " × ")}</Fact>}
      {isMade && <Fact name="Length">{clock(it.duration_secs)}</Fact>}
      {isMade && <Fact name="Size">{it.size_mb.toFixed(1)} MB</Fact>}
      {isMade && it.speed !== null && <Fact name="Made at">{it.speed} × its length</Fact>}
      {isMade && it.av_offset_ms !== null && <Fact name="Sound off by at most">{it.av_offset_ms} ms</Fact>}
      <Fact name="Asked for">
        <Time at={it.created_at} />
      </Fact>
      <Fact name="Begun">
        <Time at={it.started_at} otherwise="not yet" />
      </Fact>
      <Fact name="Made">
        <Time at={it.completed_at} otherwise="not yet" />
      </Fact>
      <Fact name="Session">
        <Link to="/recordings/session/$sessionId" params={{ sessionId: it.session_id }}>
          Its recordings
        </Link>
      </Fact>
    </dl>
  );
}

function DeleteComposition({ composition, onClose }: { composition: Composition; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const call: Call = { method: "DELETE", path: `/room_compositions/${composition.id}` };
  const running = isUnfinished(composition);
  const remove = useMutation({
    mutationFn: () => send<void>(call),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["compositions"] });
      void navigate({ to: "/compositions" });
    },
  });
  return (
    <Confirm
      title={running ? "Cancel the composition" : "Delete the composition"}
      call={call}
      verb={running ? "Cancel composition" : "Delete composition"}
      back={running ? "Go on with it" : "Keep it"}
      sending={remove}
      onGo={() => remove.mutate()}
      onClose={onClose}
    >
      {running
        ? "It is not made, and leaves the list."
        : "This deletes the composition with its file, for good. It can be made again while its recordings are there."}
    </Confirm>
  );
}
