import type { Failure } from "../api/types";

/** Why something failed, or does not go on by itself for now. */
export function Trouble({
  of: { error, waiting },
  failed,
  waits,
}: {
  of: { error: Failure | null; waiting: Failure | null };
  /** What comes of it where it failed, and where it waits. */
  failed: string;
  waits: string;
}) {
  const why = error ?? waiting;
  if (!why) return null;
  return (
    <div className="fault" role={error ? "alert" : "status"}>
      <p>
        {why.title}. {why.detail}
      </p>
      <p className="muted">
        {error ? failed : waits} Code <code>{why.code}</code>
      </p>
    </div>
  );
}
