import { RoomError } from "./errors.js";
import type { Session } from "./session.js";
import { isInside, type Stream } from "./state.js";

/** How many streams are asked for at once, and how long until more are, in milliseconds: the server limits the rate of requests. */
export const MIX_BURST = 100;
export const MIX_PAUSE = 2_000;

/** What the mix takes of a stream. */
export const soundOnly = { audio: true, video: false };

/**
 * Takes the sound of every remote stream for the mix, without the application's doing. A stream that the application subscribes
 * has one subscription and one pair of lines for both. The state shows nothing of this, and failures are told to nobody: a
 * stream that cannot be taken is silent in the mix.
 */
export class MixFeed {
  readonly #session: Session;
  readonly #wanted: ReadonlySet<string>;
  readonly #asked: () => void;
  readonly #taken = new Set<string>();
  readonly #refused = new Set<string>();
  #allowed: boolean;
  #burst = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;

  /**
   * `wanted` are the streams that the application wants to receive; those are not asked for. `allowed` is what the token
   * says. Calls `asked` when more streams were asked for.
   */
  constructor(session: Session, wanted: ReadonlySet<string>, allowed: boolean, asked: () => void) {
    this.#session = session;
    this.#wanted = wanted;
    this.#allowed = allowed;
    this.#asked = asked;
    session.onEnd(() => clearTimeout(this.#pause));
  }

  /** Whether this client may subscribe: what the token said at first, then what the server answered last. */
  get allowed(): boolean {
    return this.#allowed;
  }

  set allowed(allowed: boolean) {
    const before = this.#allowed;
    this.#allowed = allowed;
    if (allowed && !before) this.fill();
  }

  /** The streams that the mix holds on to, whatever the application does. */
  get taken(): ReadonlySet<string> {
    return this.#taken;
  }

  /** Keeps a stream that the application lets go of. */
  keep(streamId: string): void {
    this.#taken.add(streamId);
  }

  /** Asks for everything anew: the server knows nothing of what was asked before. */
  reset(): void {
    this.#taken.clear();
    this.#refused.clear();
    this.fill();
  }

  /** Asks for all streams that nobody asked for yet, and forgets those that are gone. */
  fill(): void {
    const { status, streams } = this.#session.state;
    for (const known of [this.#taken, this.#refused]) {
      for (const id of known) if (!streams.has(id)) known.delete(id);
    }
    if (!this.#allowed || !isInside(status)) return;
    const open = [...streams.values()].filter((stream) => this.#isOpen(stream));
    const now = open.slice(0, MIX_BURST - this.#burst);
    for (const stream of now) this.#take(stream);
    if (now.length > 0) this.#asked();
  }

  #isOpen({ id, origin }: Stream): boolean {
    const isKnown = this.#wanted.has(id) || this.#taken.has(id) || this.#refused.has(id);
    return origin === "remote" && !isKnown;
  }

  #take(stream: Stream): void {
    this.#burst++;
    this.#pause ??= setTimeout(() => this.#resume(), MIX_PAUSE);
    this.#taken.add(stream.id);
    this.#session.channel
      .request("subscribe", { stream_id: stream.id, ...soundOnly })
      .catch((error: unknown) => this.#failed(stream, error));
  }

  #resume(): void {
    this.#pause = undefined;
    this.#burst = 0;
    this.fill();
  }

  #failed(stream: Stream, error: unknown): void {
    if (this.#session.ending) return;
    this.#session.log.debug(`${stream.key}: the mix does without this stream`, error);
    this.#taken.delete(stream.id);
    // What is forbidden now may be allowed by the next token.
    if (isForbidden(error)) this.#allowed = false;
    else this.#refused.add(stream.id);
  }
}

export function isForbidden(error: unknown): boolean {
  return error instanceof RoomError && error.code === "forbidden";
}
