import { RoomError } from "../errors.js";
import type { Logger } from "../log.js";
import type { Notice, Replies, Requests, ServerFrame } from "./frames.js";
import { Heartbeat } from "./heartbeat.js";
import { PendingRequests } from "./pending.js";
import { type Ending, ending, endingOfClose, refusalError } from "./refusals.js";

/** How long a request may wait for its answer, in milliseconds. */
export const REQUEST_TIMEOUT = 15_000;
/** How many requests may wait at once; one more is rejected with `unavailable`. */
export const MAX_PENDING = 256;

const SUBPROTOCOL = "rotunda.v1";
/** What a socket is closed with that another takes the place of: anything but the codes of leaving. */
const LOST_CODE = 4408;

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
 * The connection to the server, over one websocket at a time: requests with ids, and notices in their order. Replies take effect in
 * the order in which frames arrive: the `apply` callback of a request runs before the next frame is looked at, its promise settles
 * right after.
 *
 * When the socket is lost and somebody sees to another (`onLost`), the channel is suspended: requests wait, and no time limit runs, until `resume`
 * or `restart` was called in the `apply` of a request made by `handshake` over a socket that `reopen` made.
 */
export class Channel {
  readonly #url: string;
  readonly #listener: ChannelListener;
  readonly #log: Logger;
  readonly #pending = new PendingRequests();
  #socket: WebSocket | undefined;
  #opened: Promise<void>;
  #settleOpened!: { resolve(): void; reject(error: RoomError): void };
  #lastSeq = 0;
  #ended = false;
  #suspended = false;
  #onLost: ((why: Ending) => void) | undefined;
  #failure: Ending | undefined;
  readonly #heartbeat = new Heartbeat(
    () => this.#sendPing(),
    (limit) => this.#silent(limit),
  );

  constructor(url: string, listener: ChannelListener, log: Logger) {
    this.#url = url;
    this.#listener = listener;
    this.#log = log;
    this.#opened = this.#connect();
  }

  /** Resolves when frames can be sent, rejects when that will never be. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The socket was lost, and another is being seen to. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** The number of the last notice that arrived. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** How the last socket ended, if it did. */
  get failure(): Ending | undefined {
    return this.#failure;
  }

  /** From now on, the loss of a socket after which the client may come back is told, and ends nothing. */
  onLost(callback: (why: Ending) => void): void {
    this.#onLost = callback;
  }

  /**
   * Sends a request. Resolves with the data of the reply; rejects with the refusal, after `timeout` milliseconds without
   * answer (`timed_out`), or when the connection ends. While the channel is suspended it waits.
   */
  request<T extends keyof Requests>(
    type: T,
    fields: Requests[T],
    apply?: (data: Replies[T]) => void,
    timeout = REQUEST_TIMEOUT,
  ): Promise<Replies[T]> {
    if (this.#ended) {
      return Promise.reject(new RoomError("network_error", `${type}: the connection is closed`));
    }
    if (this.#pending.size >= MAX_PENDING) {
      const message = `${type}: ${MAX_PENDING} requests wait for an answer already`;
      return Promise.reject(new RoomError("unavailable", message));
    }
    const { id, text, answer } = this.#pending.add(type, fields, apply, timeout, !this.#suspended);
    if (!this.#suspended) this.#socket?.send(text);
    this.#log.debug(`request ${id} ${type}`);
    return answer;
  }

  /** Sends a request over a socket that was reopened, ahead of all that wait. It is gone with that socket. */
  handshake<T extends keyof Requests>(
    type: T,
    fields: Requests[T],
    apply: (data: Replies[T]) => void,
    timeout: number,
  ): Promise<Replies[T]> {
    if (this.#ended || this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(this.#failure?.error ?? new RoomError("network_error", `${type}: no connection`));
    }
    const { text, answer } = this.#pending.add(type, fields, apply, timeout, true, true);
    this.#socket.send(text);
    return answer;
  }

  /** Opens another socket in place of the one before. */
  reopen(): Promise<void> {
    if (this.#ended) return this.#opened;
    this.suspend();
    this.#failure = undefined;
    this.#opened = this.#connect();
    return this.#opened;
  }

  /** Gives the present socket up, without a word to the server, and has requests wait. */
  suspend(): void {
    this.#suspended = true;
    this.#drop(new RoomError("network_error", "the connection was given up for another"), LOST_CODE);
    this.#pending.pause();
  }

  /** The server goes on as before: it carried out requests up to this id, notices after `seq` follow. */
  resume(received: number, seq: number): void {
    this.#suspended = false;
    this.#lastSeq = seq;
    for (const text of this.#pending.continue(received)) this.#socket?.send(text);
  }

  /** The server knows nothing of before: requests that wait are rejected, and notices count from 1. */
  restart(): void {
    this.#suspended = false;
    this.#lastSeq = 0;
    this.#pending.rejectAll(
      new RoomError("network_error", "the connection was lost, and the server no longer knew this client"),
      (request) => !request.isHandshake,
    );
  }

  /** Makes sure, sooner than usual, that the server is there. */
  probe(): void {
    if (!this.#ended && !this.#suspended) this.#heartbeat.probe();
  }

  /** The same when there is another reason to believe that it is not: the wait is short, as far as the network was quick before. */
  suspect(): void {
    if (!this.#ended && !this.#suspended) this.#heartbeat.suspect();
  }

  /** Leaves the session and closes the socket, without waiting for the server. Pending requests reject with the error of the ending. */
  close(why: Ending): void {
    if (this.#ended) return;
    this.leave();
    this.#end(why);
  }

  /** Tells the server that this client leaves the session it is in. */
  leave(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(this.#pending.frame("leave", {}));
  }

  #connect(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    // Whoever asks gets the rejection; that nobody asked is no failure of its own.
    opened.catch(() => {});
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#open();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#lose(endingOfClose(event.code));
    return opened;
  }

  #open(): void {
    this.#heartbeat.start();
    this.#settleOpened.resolve();
  }

  #silent(limit: number): void {
    const message = `nothing was heard from the server for ${limit / 1000} s`;
    this.#lose({ ...ending("network_error", "network_error", message), mayReturn: true });
  }

  #sendPing(): void {
    if (this.#suspended) return;
    const sent = performance.now();
    const seq = this.#lastSeq;
    this.request("ping", seq > 0 ? { seq } : {}).then(
      () => {
        const passed = performance.now() - sent;
        this.#heartbeat.roundTrip = passed;
        this.#listener.roundTrip(passed);
      },
      () => {
        if (!this.#ended) this.#listener.roundTrip(Number.POSITIVE_INFINITY);
      },
    );
  }

  #receive(text: unknown): void {
    if (this.#ended) return;
    this.#heartbeat.heard();
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
    const pending = this.#pending.take(frame.re);
    if (!pending) {
      // An answer that came before, or to a request that timed out, or to `leave`. A refusal of no request at all is our own fault.
      if (frame.type === "error" && frame.re === 0) throw refusalError("frame", frame.error);
      return;
    }
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

  /** The socket is gone. */
  #lose(why: Ending): void {
    if (this.#ended) return;
    this.#failure = why;
    if (!this.#onLost) {
      this.#end(why);
      return;
    }
    const wasSuspended = this.#suspended;
    this.#suspended = true;
    this.#drop(why.error, LOST_CODE);
    this.#pending.pause();
    // Whoever reopened the socket learns it by the promises.
    if (!wasSuspended) this.#onLost(why);
  }

  /** Lets go of the socket and all that hangs on it. */
  #drop(error: RoomError, code: number): void {
    this.#heartbeat.stop();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    this.#settleOpened.reject(error);
    this.#pending.rejectAll(error, (request) => request.isHandshake || request.type === "ping");
  }

  #end(why: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop(why.error, 1000);
    this.#pending.rejectAll(why.error);
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
