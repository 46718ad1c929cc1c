import { RoomError } from "../errors.js";
import type { Logger } from "../log.js";
import type { Notice, Replies, Requests, ServerFrame } from "./frames.js";
import { type Ending, ending, endingOfClose, refusalError } from "./refusals.js";

/** How often the client speaks when it has nothing to say, in milliseconds. */
export const PING_INTERVAL = 5_000;
/** How long the server may be silent, in milliseconds, before the connection counts as lost. */
export const SILENCE_LIMIT = 10_000;
/** How long a request may wait for its answer, in milliseconds. */
export const REQUEST_TIMEOUT = 15_000;
/** How many requests may wait at once; one more is rejected with `unavailable`. */
export const MAX_PENDING = 256;

const SUBPROTOCOL = "rotunda.v1";

interface Pending {
  type: string;
  timer: ReturnType<typeof setTimeout>;
  resolve(data: unknown): void;
  reject(error: RoomError): void;
}

/** Where a channel tells what the server says unasked. */
export interface ChannelListener {
  notice(notice: Notice): void;
  /** A frame could not be understood, or a request without a waiting promise was refused. */
  failed(error: RoomError): void;
  /** The connection is over. Called once, after all pending requests were rejected. */
  ended(ending: Ending): void;
  /** A `ping` came back after this many milliseconds, or (Infinity) did not. */
  roundTrip(milliseconds: number): void;
}

/**
 * One websocket to the server: requests with ids, and notices in their order. Replies take effect in the order in which frames
 * arrive: the `apply` callback of a request runs before the next frame is looked at, its promise settles right after.
 */
export class Channel {
  readonly #socket: WebSocket;
  readonly #listener: ChannelListener;
  readonly #log: Logger;
  readonly #pending = new Map<number, Pending>();
  readonly #opened: Promise<void>;
  #nextId = 1;
  #lastSeq = 0;
  #ended = false;
  #ping: ReturnType<typeof setInterval> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #settleOpened!: { resolve(): void; reject(error: RoomError): void };

  constructor(url: string, listener: ChannelListener, log: Logger) {
    this.#listener = listener;
    this.#log = log;
    this.#opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    // Whoever asks gets the rejection; that nobody asked is no failure of its own.
    this.#opened.catch(() => {});
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.onopen = () => this.#open();
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#end(endingOfClose(event.code));
  }

  /** Resolves when frames can be sent, rejects when that will never be. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Sends a request. Resolves with the data of the reply; rejects with the refusal, after `timeout` milliseconds without
   * answer (`timed_out`), or when the connection ends.
   */
  request<T extends keyof Requests>(
    type: T,
    fields: Requests[T],
    apply?: (data: Replies[T]) => void,
    timeout = REQUEST_TIMEOUT,
  ): Promise<Replies[T]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new RoomError("network_error", `${type}: the connection is closed`));
        return;
      }
      if (this.#pending.size >= MAX_PENDING) {
        reject(new RoomError("unavailable", `${type}: ${MAX_PENDING} requests wait for an answer already`));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new RoomError("timed_out", `${type}: no answer within ${timeout / 1000} s`));
      }, timeout);
      this.#pending.set(id, {
        type,
        timer,
        reject,
        resolve: (data) => {
          try {
            apply?.(data as Replies[T]);
            resolve(data as Replies[T]);
          } catch (error) {
            reject(new RoomError("invalid_frame", `${type}: the reply makes no sense`, { cause: error }));
          }
        },
      });
      this.#socket.send(JSON.stringify({ id, type, ...fields }));
      this.#log.debug(`request ${id} ${type}`);
    });
  }

  /** Leaves the session and closes the socket, without waiting for the server. Pending requests reject with the error of the ending. */
  close(why: Ending): void {
    if (this.#ended) return;
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ id: this.#nextId++, type: "leave" }));
    }
    this.#end(why);
  }

  #open(): void {
    this.#ping = setInterval(() => this.#sendPing(), PING_INTERVAL);
    this.#heard();
    this.#settleOpened.resolve();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const seconds = SILENCE_LIMIT / 1000;
      this.#end(
        ending("network_error", "network_error", `nothing was heard from the server for ${seconds} s`),
      );
    }, SILENCE_LIMIT);
  }

  #sendPing(): void {
    const sent = performance.now();
    this.request("ping", {}).then(
      () => this.#listener.roundTrip(performance.now() - sent),
      () => {
        if (!this.#ended) this.#listener.roundTrip(Number.POSITIVE_INFINITY);
      },
    );
  }

  #receive(text: unknown): void {
    if (this.#ended) return;
    this.#heard();
    try {
      this.#dispatch(parseFrame(text));
    } catch (error) {
      const failure =
        error instanceof RoomError
          ? error
          : new RoomError("invalid_frame", "a frame from the server makes no sense", { cause: error });
      this.#listener.failed(failure);
    }
  }

  #dispatch(frame: ServerFrame): void {
    if (frame.type !== "reply" && frame.type !== "error") {
      this.#checkSequence(frame.seq);
      this.#listener.notice(frame);
      return;
    }
    const pending = this.#pending.get(frame.re);
    if (!pending) {
      // The answer to a request that timed out, or to `leave`. A refusal of no request at all is our own fault.
      if (frame.type === "error" && frame.re === 0) throw refusalError("frame", frame.error);
      return;
    }
    this.#pending.delete(frame.re);
    clearTimeout(pending.timer);
    if (frame.type === "reply") pending.resolve(frame.data);
    else pending.reject(refusalError(pending.type, frame.error));
  }

  #checkSequence(seq: number): void {
    const expected = this.#lastSeq + 1;
    this.#lastSeq = seq;
    if (seq !== expected) {
      const error = new RoomError("invalid_frame", `notice ${seq} came where ${expected} was due`);
      this.#listener.failed(error);
    }
  }

  #end(why: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
    this.#settleOpened.reject(why.error);
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(why.error);
    }
    this.#pending.clear();
    this.#listener.ended(why);
  }
}

function parseFrame(text: unknown): ServerFrame {
  if (typeof text !== "string") throw new RoomError("invalid_frame", "the server sent a binary frame");
  const frame: unknown = JSON.parse(text);
  if (typeof frame !== "object" || frame === null || typeof (frame as ServerFrame).type !== "string") {
    throw new RoomError("invalid_frame", "the server sent a frame without a type");
  }
  return frame as ServerFrame;
}
