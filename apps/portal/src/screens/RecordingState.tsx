import type { Recording } from "../api/types";

/** How far a recording has come: written, brought to where recordings stay, there, or failed. */
export function stateOf({ status, ended_at: ended, waiting }: Recording): { word: string; kind: string } {
  if (status === "failed") return { word: "Failed", kind: "bad" };
  if (status === "completed") return { word: "Stored", kind: "" };
  if (!ended) return { word: "Recording", kind: "live" };
  return waiting ? { word: "Waits for storage", kind: "wait" } : { word: "Being stored", kind: "live" };
}

export function RecordingState({ recording }: { recording: Recording }) {
  const { word, kind } = stateOf(recording);
  const why = recording.error ?? recording.waiting;
  return (
    <span className={`badge ${kind}`} title={why?.detail}>
      {word}
    </span>
  );
}
