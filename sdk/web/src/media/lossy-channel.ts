import type { DataMessage } from "../messages.js";
import type { MediaConnection } from "./connection.js";

/** How much may wait in the browser; what is sent beyond it is dropped. */
const BACKLOG = 32_768;

/** The version of what is on the wire, `api/signalling.md` section 8. */
const VERSION = 1;

/** Data that may get lost, over the media connection. */
export class LossyChannel {
  readonly #channel: RTCDataChannel;

  constructor(media: MediaConnection, received: (from: string, message: DataMessage) => void) {
    this.#channel = media.createDataChannel("lossy", { ordered: false, maxRetransmits: 0 });
    this.#channel.binaryType = "arraybuffer";
    this.#channel.onmessage = ({ data }) => {
      const found = data instanceof ArrayBuffer && decoded(new Uint8Array(data));
      if (found) received(found.from, found.message);
    };
  }

  /** Sends once, or not at all. */
  send(data: Uint8Array, topic: string, recipients: readonly string[]): void {
    const channel = this.#channel;
    if (channel.readyState === "open" && channel.bufferedAmount <= BACKLOG) {
      channel.send(encoded(data, topic, recipients));
    }
  }
}

function encoded(data: Uint8Array, topic: string, recipients: readonly string[]): Uint8Array<ArrayBuffer> {
  const word = new TextEncoder().encode(topic);
  const ids = recipients.flatMap((id) => idBytes(id));
  const bytes = new Uint8Array(3 + word.length + ids.length + data.length);
  bytes.set([VERSION, word.length]);
  bytes.set(word, 2);
  bytes.set([recipients.length, ...ids], 2 + word.length);
  bytes.set(data, 3 + word.length + ids.length);
  return bytes;
}

function decoded(bytes: Uint8Array): { from: string; message: DataMessage } | undefined {
  const [version, length = 0] = bytes;
  const sender = 2 + length;
  if (version !== VERSION || bytes.length < sender + 17) return undefined;
  const topic = new TextDecoder().decode(bytes.subarray(2, sender));
  const message = {
    data: bytes.slice(sender + 17),
    topic,
    reliable: false,
    isPrivate: bytes[sender + 16] === 1,
  };
  return { from: idOf(bytes.subarray(sender, sender + 16)), message };
}

/** The 16 bytes of a UUID. */
function idBytes(id: string): number[] {
  return (id.replaceAll("-", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function idOf(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
