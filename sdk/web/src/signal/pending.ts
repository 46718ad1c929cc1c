import { RoomError } from "../errors.js";
import type { Replies, Requests } from "./frames.js";

/** A request that waits for its answer. */
export interface PendingRequest {
  readonly id: number;
  readonly type: string;
  readonly text: string;
  readonly timeout: number;
  /** It belongs to one socket, and does not outlive it. */
  readonly isHandshake: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  resolve(data: unknown): void;
  reject(error: RoomError): void;
}

/** The requests that wait, by id. Ids only grow, over all sockets of a room: by them the server says what it received. */
export class PendingRequests {
  readonly #requests = new Map<number, PendingRequest>();
  #nextId = 1;

  get size(): number {
    return this.#requests.size;
  }

  /** Writes a request whose answer nobody waits for. */
  frame<T extends keyof Requests>(type: T, fields: Requests[T]): string {
    return JSON.stringify({ id: this.#nextId++, type, ...fields });
  }

  /** Writes a request that waits, and, if it is `sent` now, for no longer than `timeout` milliseconds. */
  add<T extends keyof Requests>(
    type: T,
    fields: Requests[T],
    apply: ((data: Replies[T]) => void) | undefined,
    timeout: number,
    sent: boolean,
    isHandshake = false,
  ): { id: number; text: string; answer: Promise<Replies[T]> } {
    const id = this.#nextId;
    const text = this.frame(type, fields);
    const answer = new Promise<Replies[T]>((resolve, reject) => {
      const pending: PendingRequest = {
        id,
        type,
        text,
        timeout,
        isHandshake,
        timer: undefined,
        reject,
        resolve: (data) => {
          try {
            apply?.(data as Replies[T]);
            resolve(data as Replies[T]);
          } catch (error) {
            reject(new RoomError("invalid_frame", `${type}: the reply makes no sense`, { cause: error }));
          }
        },
      };
      this.#requests.set(id, pending);
      if (sent) this.#limit(pending);
    });
    return { id, text, answer };
  }

  /** The request of an answer; it waits no more. */
  take(id: number): PendingRequest | undefined {
    const request = this.#requests.get(id);
    if (!request) return undefined;
    this.#requests.delete(id);
    clearTimeout(request.timer);
    return request;
  }

  /** Lets no time limit run. */
  pause(): void {
    for (const request of this.#requests.values()) clearTimeout(request.timer);
  }

  /** Lets the time limits run anew, and returns what the server did not receive, in order. */
  continue(received: number): string[] {
    const unsent: string[] = [];
    for (const request of this.#requests.values()) {
      this.#limit(request);
      if (request.id > received && !request.isHandshake) unsent.push(request.text);
    }
    return unsent;
  }

  /** Rejects those for which this holds. */
  rejectAll(error: RoomError, chosen: (request: PendingRequest) => boolean = () => true): void {
    for (const request of [...this.#requests.values()]) {
      if (chosen(request)) this.take(request.id)?.reject(error);
    }
  }

  #limit(request: PendingRequest): void {
    clearTimeout(request.timer);
    request.timer = setTimeout(() => {
      this.#requests.delete(request.id);
      const seconds = request.timeout / 1000;
      request.reject(new RoomError("timed_out", `${request.type}: no answer within ${seconds} s`));
    }, request.timeout);
  }
}
