import { ApiError } from "../api/client";

/** What went wrong, with what the server's log knows it by. */
export function Fault({ error }: { error: unknown }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : undefined;
  const text = known || error instanceof Error ? (error as Error).message : "Something went wrong.";
  return (
    <div className="fault" role="alert">
      <p>{text}</p>
      {known?.requestId && (
        <p className="muted">
          Request <code>{known.requestId}</code>
        </p>
      )}
    </div>
  );
}
