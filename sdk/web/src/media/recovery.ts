import { RoomError } from "../errors.js";
import type { Logger } from "../log.js";
import type { MediaConnection } from "./connection.js";

/** How long one restart of ICE may take before another is tried, in milliseconds. */
export const RESTART_INTERVAL = 5_000;
/** How long a restart that was begun without the server counts as new, in milliseconds. */
export const EARLY_PATIENCE = 1_000;
/** After how many restarts without effect the connection is given up. */
export const MAX_RESTARTS = 6;

/** What recovery needs to know, and tells. */
export interface RecoveryListener {
  /** Whether offers reach the server at present. */
  isReachable(): boolean;
  /** Brings an offer to the server and returns its answer. */
  exchange(sdp: string): Promise<string>;
  /** No media flows. */
  lost(): void;
  /** It flows again. */
  restored(): void;
  /** Restarts do not help. */
  hopeless(error: RoomError): void;
}

/** Gets a media connection back by restarting ICE: at once, and again until media flows. */
export class MediaRecovery {
  readonly #media: MediaConnection;
  readonly #listener: RecoveryListener;
  readonly #persistent: boolean;
  readonly #log: Logger;
  #wasConnected = false;
  #lost = false;
  #restarts = 0;
  #restarting = false;
  #closed = false;
  #again = false;
  #earlyAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Unless it is `persistent`, one restart that does not help is the last. */
  constructor(media: MediaConnection, listener: RecoveryListener, persistent: boolean, log: Logger) {
    this.#media = media;
    this.#listener = listener;
    this.#persistent = persistent;
    this.#log = log;
  }

  connected(): void {
    this.#wasConnected = true;
    clearTimeout(this.#timer);
    this.#restarts = 0;
    if (!this.#lost) return;
    this.#lost = false;
    this.#listener.restored();
  }

  /** The connection is new, and takes the place of one that was lost. */
  begin(): void {
    this.#lost = true;
    this.#wait();
  }

  /** No media flows at present. */
  disconnected(): void {
    if (!this.#lost) {
      this.#lost = true;
      this.#listener.lost();
    }
    this.#restart();
  }

  /** The network changed, or the server can be reached again. What was there may still work: only the new way is offered. */
  networkChanged(iceServers: RTCIceServer[] | undefined, flows: boolean): void {
    // What was begun without the server is the new way, unless the network changed again since.
    if (
      this.#restarting &&
      ((flows && this.#earlyAt > 0) || performance.now() - this.#earlyAt < EARLY_PATIENCE)
    )
      return;
    if (this.#wasConnected || this.#lost) this.#restart(iceServers);
  }

  /**
   * Neither media nor notices come. The browser is told of a restart before the offer can be sent: it looks for ways from where it is now, to
   * where the server was, and the server follows.
   */
  unreachable(): void {
    if (!this.#wasConnected || this.#restarting || this.#closed) return;
    this.#earlyAt = performance.now();
    this.#offer();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #restart(iceServers?: RTCIceServer[]): void {
    if (this.#closed || !this.#listener.isReachable()) return;
    if (this.#restarting) {
      this.#again = true; // what is on its way was made for the network before
      return;
    }
    if (this.#lost && ++this.#restarts > (this.#persistent ? MAX_RESTARTS : 1)) {
      this.#hopeless();
      return;
    }
    this.#offer(iceServers);
  }

  #offer(iceServers?: RTCIceServer[]): void {
    this.#log.info("restarting ICE");
    this.#restarting = true;
    this.#media.restartIce(iceServers);
    clearTimeout(this.#timer);
    this.#media
      .negotiate(
        () => true,
        (sdp) => this.#listener.exchange(sdp),
      )
      .then(
        () => this.#wait(),
        (error: unknown) => {
          this.#log.debug("ICE could not be restarted", error);
          this.#wait();
          if (!this.#persistent && !this.#closed) this.#hopeless(error);
        },
      );
  }

  #hopeless(cause?: unknown): void {
    const message = "the media connection failed and could not be restarted";
    this.#listener.hopeless(new RoomError("media_failed", message, { cause }));
  }

  #wait(): void {
    this.#restarting = false;
    this.#earlyAt = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#timer);
    if (this.#closed || !this.#persistent) return;
    if (this.#again) {
      this.#again = false;
      this.#restart();
      return;
    }
    this.#timer = setTimeout(() => {
      if (this.#lost) this.#restart();
    }, RESTART_INTERVAL);
  }
}
