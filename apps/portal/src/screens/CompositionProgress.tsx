import type { Composition } from "../api/types";

const words: Record<Composition["status"], string> = {
  enqueued: "Waiting",
  processing: "In work",
  completed: "Made",
  failed: "Failed",
};
const kinds: Record<Composition["status"], string> = {
  enqueued: "",
  processing: "live",
  completed: "",
  failed: "bad",
};

/** How far a composition has come, and what it waits for or failed of. */
export function CompositionProgress({ composition }: { composition: Composition }) {
  const { status, progress, waiting, error, id } = composition;
  const why = error ?? waiting;
  return (
    <span className="progress">
      <span className={`badge ${waiting ? "wait" : kinds[status]}`} title={why?.detail}>
        {words[status]}
      </span>
      {status === "processing" && (
        <>
          <progress max={100} value={progress} aria-label={`Progress of ${id}`} />
          <span className="figures">{progress} %</span>
        </>
      )}
      {why && <span className="muted why">{why.title}</span>}
    </span>
  );
}
