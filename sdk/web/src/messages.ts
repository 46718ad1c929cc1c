import { RoomError } from "./errors.js";

/** A text message, passed on as it was sent. */
export interface Message {
  type: "text";
  payload: string;
  meta?: Record<string, unknown>;
}

/** How `sendData` sends. */
export interface DataOptions {
  /** `false`: what is late is worthless. By default it arrives, in order. */
  reliable?: boolean;
  /** The application's own word for what it is, at most 64 bytes of UTF-8. */
  topic?: string;
  /** Participant ids, 256 at most, 16 with `reliable: false`. Everybody else by default. */
  recipients?: string[];
}

/** Bytes that somebody sent. */
export interface DataMessage {
  data: Uint8Array;
  topic: string;
  reliable: boolean;
  /** It was sent to some, this client among them. */
  isPrivate: boolean;
}

/** What lossy data can be. */
export const LOSSY_BYTES = 1_200;
const LOSSY_RECIPIENTS = 16;
const TOPIC_BYTES = 64;
const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The bytes to send, if they may be sent. Without a limit it is that of lossy data. */
export function checkedData(
  data: Uint8Array | ArrayBuffer,
  topic: string,
  recipients: string[],
  limit: number | undefined,
): Uint8Array {
  if (!(data instanceof Uint8Array || data instanceof ArrayBuffer)) {
    throw new RoomError("invalid_argument", "data must be a Uint8Array or an ArrayBuffer");
  }
  if (typeof topic !== "string" || new TextEncoder().encode(topic).length > TOPIC_BYTES) {
    throw new RoomError("invalid_argument", `the topic must be a string of at most ${TOPIC_BYTES} bytes`);
  }
  if (limit === undefined && recipients.length > LOSSY_RECIPIENTS) {
    throw new RoomError("invalid_argument", `lossy data names at most ${LOSSY_RECIPIENTS} recipients`);
  }
  if (limit === undefined && recipients.some((id) => !isUuid.test(id))) {
    throw new RoomError("invalid_argument", "recipients must be participant ids");
  }
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const most = limit ?? LOSSY_BYTES;
  if (bytes.length > most) {
    throw new RoomError("message_too_large", `the data has ${bytes.length} bytes, ${most} may be sent`);
  }
  return bytes;
}

/** A copy of a message that may be sent, and its size in bytes. */
export function checkedMessage(message: Message, limit: number): { copy: Message; size: number } {
  const { type, payload, meta } = message ?? {};
  if (typeof type !== "string" || !type || typeof payload !== "string") {
    throw new RoomError("message_invalid", "a message must have a type and a payload, both strings");
  }
  if (meta !== undefined && (typeof meta !== "object" || meta === null || Array.isArray(meta))) {
    throw new RoomError("message_invalid", "the meta of a message must be an object");
  }
  const copy: Message = { type, payload, ...(meta && { meta }) };
  let size: number;
  try {
    size = new TextEncoder().encode(JSON.stringify(copy)).length;
  } catch (cause) {
    throw new RoomError("message_invalid", "the message cannot be written as JSON", { cause });
  }
  if (size > limit) {
    throw new RoomError("message_too_large", `the message has ${size} bytes, the server takes ${limit}`);
  }
  return { copy, size };
}

/** As many characters as a call takes without trouble. */
const CHUNK = 32_768;

export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
