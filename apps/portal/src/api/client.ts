// The portal's way to the REST API: the browser's cookie, the session's CSRF token, and errors that can be shown.

export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string; // after /v2, with its query
  body?: unknown;
}

/** One fault of an error answer. */
interface Fault {
  code: string;
  title: string;
  detail: string;
  source?: { pointer?: string; parameter?: string };
}

/** A request that was refused or failed. */
export class ApiError extends Error {
  constructor(
    /** 0 if there was no answer. */
    readonly status: number,
    readonly faults: Fault[],
    /** Names the request in the server's log. */
    readonly requestId: string | null,
  ) {
    super(faults[0]?.detail ?? "The server cannot be reached.");
  }

  /** What is said of one field of the body. */
  of(field: string): string | undefined {
    return this.faults.find((fault) => fault.source?.pointer === `/${field}`)?.detail;
  }
}

let csrf = "";

/** Remembers the token that changes need. It is in no storage: who loads the page gets it with the session. */
export function holdCsrf(token: string): void {
  csrf = token;
}

/** Carries out a call and returns the whole answer; undefined if it has no body. */
export async function send<T>(call: Call, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (call.method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response: Response;
  try {
    response = await fetch(`/v2${call.path}`, {
      method: call.method,
      headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
      credentials: "same-origin",
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, [], null);
  }
  if (response.status === 204) return undefined as T;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new ApiError(response.status, answer.errors ?? [], response.headers.get("x-request-id"));
  return answer as T;
}

/** Carries out a call whose answer is one object. */
export async function sendOne<T>(call: Call, signal?: AbortSignal): Promise<T> {
  return (await send<{ data: T }>(call, signal)).data;
}

/** A query string of what has a value. */
export function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** The call as a line for a shell, with an API key in the place of the portal's session. */
export function asCurl(call: Call, origin = window.location.origin): string {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = ["curl"];
  if (call.method !== "GET") parts.push("-X", call.method);
  parts.push(quote(`${origin}/v2${call.path}`), "-H", '"Authorization: Bearer $ROTUNDA_API_KEY"');
  if (call.path.includes("[")) parts.splice(1, 0, "-g");
  if (call.body !== undefined) {
    parts.push("-H", "'Content-Type: application/json'", "-d", quote(JSON.stringify(call.body)));
  }
  return parts.join(" ");
}
