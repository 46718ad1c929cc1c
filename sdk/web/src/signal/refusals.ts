import { type ErrorCode, RoomError } from "../errors.js";
import type { DisconnectReason } from "../state.js";
import type { Refusal } from "./frames.js";

const refusalCodes: Readonly<Record<string, ErrorCode>> = {
  invalid_argument: "invalid_argument",
  invalid_state: "invalid_state",
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  room_not_found: "room_not_found",
  room_full: "room_full",
  duplicate_participant: "invalid_state",
  identity_in_use: "identity_in_use",
  not_resumable: "network_error",
  key_in_use: "key_in_use",
  stream_not_found: "stream_not_found",
  participant_not_found: "participant_not_found",
  subscription_not_found: "subscription_not_found",
  too_large: "message_too_large",
  too_many: "too_many_streams",
  rate_limited: "rate_limited",
  media_failed: "media_failed",
  unavailable: "unavailable",
  overloaded: "overloaded",
  internal: "unavailable",
  unknown_request: "not_supported",
  unsupported_version: "not_supported",
  invalid_frame: "invalid_frame",
};

/** The error a refused request rejects with. The refusal itself is its `cause`. */
export function refusalError(request: string, refusal: Refusal): RoomError {
  const code = refusalCodes[refusal.code] ?? "unavailable";
  return new RoomError(code, `${request}: ${refusal.message || refusal.code}`, { cause: refusal });
}

/** How a connection ended: what the room says about it, and what pending promises reject with. */
export interface Ending {
  reason: DisconnectReason;
  error: RoomError;
  /** Another connection may go on where this one ended, or begin anew. */
  mayReturn?: boolean;
}

export function ending(reason: DisconnectReason, code: ErrorCode, message: string, cause?: unknown): Ending {
  return { reason, error: new RoomError(code, message, { cause }) };
}

const closeCodes: Readonly<Record<number, readonly [DisconnectReason, ErrorCode, string]>> = {
  1009: ["unknown", "invalid_argument", "a frame was larger than the server takes"],
  4000: ["session_terminated", "unavailable", "the session was ended"],
  4001: ["kicked", "forbidden", "a moderator removed this participant"],
  4002: ["room_expired", "room_not_found", "the room was deleted"],
  4003: ["network_error", "unavailable", "the server is restarting"],
  4400: ["unknown", "invalid_frame", "the server did not understand this client"],
  4401: ["unauthorized", "unauthorized", "the token was refused or expired"],
  4403: ["forbidden", "forbidden", "the token does not allow this"],
  4404: ["room_expired", "room_not_found", "there is no such room"],
  4408: ["network_error", "network_error", "the server heard nothing from this client in time"],
  4409: ["unknown", "invalid_state", "the participant id was used before"],
  4410: ["replaced", "forbidden", "this identity, or this participant, came in over another connection"],
  4411: ["forbidden", "identity_in_use", "someone with this identity is in the room"],
  4420: ["unknown", "unavailable", "the server takes no more requests from this client"],
  4426: ["unknown", "not_supported", "the server does not speak this version of the protocol"],
  4429: ["forbidden", "room_full", "the room is full"],
  4500: ["network_error", "unavailable", "the server failed"],
  4503: ["network_error", "unavailable", "the server is not available"],
  4504: ["network_error", "overloaded", "the server carries as much media as it can"],
};

/** The closes after which there is nothing to blame on this client: it may come back. */
const returning = new Set([4003, 4408, 4500, 4503, 4504]);

/** What the close of the socket means (`api/signalling.md`, section 7). */
export function endingOfClose(code: number): Ending {
  const known = closeCodes[code];
  if (known) return { ...ending(known[0], known[1], known[2], { code }), mayReturn: returning.has(code) };
  // Codes from 4000 on are the server's own words: one of them that is not in the table is no lost connection.
  if (code >= 4000)
    return ending("unknown", "unavailable", `the server closed the connection (${code})`, { code });
  return {
    ...ending("network_error", "network_error", "the connection to the server was lost", { code }),
    mayReturn: true,
  };
}

const reasons: Readonly<Partial<Record<ErrorCode, DisconnectReason>>> = {
  unauthorized: "unauthorized",
  forbidden: "forbidden",
  room_full: "forbidden",
  identity_in_use: "forbidden",
  room_not_found: "room_expired",
  timed_out: "timed_out",
  network_error: "network_error",
  unavailable: "network_error",
  overloaded: "network_error",
  media_failed: "network_error",
};

/** How a room ends that could not be opened or entered because of this error. */
export function endingOfError(error: unknown): Ending {
  if (error instanceof RoomError) return { reason: reasons[error.code] ?? "unknown", error };
  return ending("unknown", "unavailable", "something unexpected happened", error);
}
