import { RoomError } from "../errors.js";
import { KEY_COUNT } from "./cipher.js";
import type { LineOptions, WorkerOrder, WorkerWord } from "./worker.js";

/**
 * End-to-end encryption of what a room sends and receives: servers pass it on without being able to see or hear it. Every participant needs
 * the same secrets, which the application brings to them by a way that the server does not know. Give it to `initialize` as
 * `encryption`; it may serve several rooms, one after another.
 */
export class Encryption {
  readonly #worker: Worker;
  #hasSecret = false;
  readonly #listeners = new Set<(kind: "audio" | "video") => void>();

  /** `worker` runs `@rotunda/video/e2ee-worker`. Throws `not_supported` in a browser without `RTCRtpScriptTransform`. */
  constructor(worker: Worker) {
    if (typeof globalThis.RTCRtpScriptTransform !== "function") {
      throw new RoomError("not_supported", "this browser has no RTCRtpScriptTransform");
    }
    if (typeof worker?.postMessage !== "function") {
      throw new RoomError("invalid_argument", "worker must be a Worker");
    }
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<WorkerWord>) => {
      if (data.type === "unreadable") for (const callback of [...this.#listeners]) callback(data.kind);
    });
  }

  /**
   * Takes a secret in, of 16 bytes or more, under an index from 0 to 15. `current` (true by default) seals with it from now on; older ones still open what was
   * sealed with them. To change the secret: give the new one to everybody with `current: false`, then again with `true`. Nothing is sent
   * before there is one.
   */
  setSecret(index: number, secret: Uint8Array, { current = true }: { current?: boolean } = {}): void {
    if (!Number.isInteger(index) || index < 0 || index >= KEY_COUNT) {
      throw new RoomError("invalid_argument", `index must be a whole number from 0 to ${KEY_COUNT - 1}`);
    }
    if (!(secret instanceof Uint8Array) || secret.length < 16) {
      throw new RoomError("invalid_argument", "secret must be a Uint8Array of 16 bytes or more");
    }
    if (current) this.#hasSecret = true;
    this.#worker.postMessage({ type: "key", index, secret, current } satisfies WorkerOrder);
  }

  /** Whether there is a secret to seal with. */
  get hasSecret(): boolean {
    return this.#hasSecret;
  }

  /**
   * Calls back when what is received cannot be opened: its sender has another secret, or does not encrypt. At most once a second for each
   * line. Returns a function that stops it.
   */
  onUnreadable(callback: (kind: "audio" | "video") => void): () => void {
    this.#listeners.add(callback);
    return () => void this.#listeners.delete(callback);
  }

  /** @internal Encrypts what a new line sends, or decrypts what it receives. */
  protect(transceiver: RTCRtpTransceiver, kind: "audio" | "video"): void {
    const sends = transceiver.direction === "sendonly";
    const options: LineOptions = { operation: sends ? "seal" : "unseal", kind };
    const transform = new RTCRtpScriptTransform(this.#worker, options);
    if (sends) transceiver.sender.transform = transform;
    else transceiver.receiver.transform = transform;
  }
}
