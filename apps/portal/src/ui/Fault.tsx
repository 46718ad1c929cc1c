import { ApiError } from "../api/client";

/** What went wrong, with what the server's log knows it by. What is said of some of the fields stands beside these. */
export function Fault({ error, fields = [] }: { error: unknown; fields?: string[] }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : undefined;
  if (known && fields.some((field) => known.of(field))) return null;
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
