import { Emitter } from "./emitter.js";
import { RoomError } from "./errors.js";
import type { Events } from "./events.js";
import type { Logger } from "./log.js";
import type { Change, Emission, Step } from "./reducer/change.js";
import { initialState, reduce } from "./reducer.js";
import type { Channel, ChannelListener } from "./signal/channel.js";
import type { Notice } from "./signal/frames.js";
import { type Ending, ending } from "./signal/refusals.js";
import { isInside, type Participant, type State, type Status } from "./state.js";

/**
 * What the parts of a room share: the state and the only way to change it, the listeners, and the end. Changes made by
 * listeners wait until the change that is being told was told to all.
 */
export class Session implements ChannelListener {
  readonly log: Logger;
  readonly #emitter: Emitter;
  readonly #changes: Change[] = [];
  readonly #watchers: ((state: State) => void)[] = [];
  readonly #noticeWatchers: ((notice: Notice) => void)[] = [];
  readonly #roundTripWatchers: ((milliseconds: number) => void)[] = [];
  readonly #releases: (() => void | Promise<void>)[] = [];
  #state: State;
  #telling = false;
  #ending: Ending | undefined;
  #released: Promise<void> = Promise.resolve();
  #channel: Channel | undefined;

  constructor(local: Participant, log: Logger) {
    this.log = log;
    this.#emitter = new Emitter(log);
    this.#state = initialState(local);
  }

  get state(): State {
    return this.#state;
  }

  /** How the session ended, if it did. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  get channel(): Channel {
    if (!this.#channel) throw new RoomError("invalid_state", "the room is not connected to a server");
    return this.#channel;
  }

  /** Gives the session its channel, once. */
  attach(channel: Channel): void {
    this.#channel = channel;
  }

  on<E extends keyof Events>(event: E, callback: Events[E]): () => void {
    return this.#emitter.on(event, callback);
  }

  /** Calls back after every change of the state, when all its events were told. */
  watch(watcher: (state: State) => void): void {
    this.#watchers.push(watcher);
  }

  /** Calls back with every notice, after it took effect in the state. */
  watchNotices(watcher: (notice: Notice) => void): void {
    this.#noticeWatchers.push(watcher);
  }

  /** Calls back with every measured round trip, in milliseconds; Infinity for one that never came back. */
  watchRoundTrips(watcher: (milliseconds: number) => void): void {
    this.#roundTripWatchers.push(watcher);
  }

  notice(notice: Notice): void {
    this.apply(notice);
    for (const watcher of this.#noticeWatchers) watcher(notice);
  }

  roundTrip(milliseconds: number): void {
    for (const watcher of this.#roundTripWatchers) watcher(milliseconds);
  }

  failed(error: RoomError): void {
    this.fail(error);
  }

  ended(why: Ending): void {
    void this.end(why);
  }

  /** Calls back when the session ends, to let go of something; at once if it has ended already. */
  onEnd(release: () => void | Promise<void>): void {
    if (this.#ending) void release();
    else this.#releases.push(release);
  }

  /** Throws unless the status is one of these. */
  require(...allowed: Status[]): void {
    const { status } = this.#state;
    if (this.#ending) {
      throw new RoomError("invalid_state", "the room has ended", { cause: this.#ending.error });
    }
    if (!allowed.includes(status === "reconnecting" ? "connected" : status)) {
      throw new RoomError("invalid_state", `not possible while the room is ${status}`);
    }
  }

  apply(change: Change): void {
    this.#changes.push(change);
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let next = this.#changes.shift(); next; next = this.#changes.shift()) {
        if (this.#state.status === "disconnected") continue;
        const before = this.#state;
        for (const step of reduce(before, next)) this.#tell(step);
        if (this.#state !== before) for (const watcher of this.#watchers) watcher(this.#state);
      }
    } finally {
      this.#telling = false;
    }
  }

  /** Tells listeners something that is no change of the state. */
  tell(...event: Emission): void {
    this.apply({ type: "told", event });
  }

  /** Logs a failure that no promise can tell, and tells the listeners. */
  fail(error: RoomError): void {
    this.log.warn(`${error.code}: ${error.message}`, error.cause);
    this.tell("error", error);
  }

  /**
   * Ends the session: everything is let go of, pending promises reject, and `disconnected` is emitted as the last event. Resolves
   * when all of it is done. Only the first call counts.
   */
  end(why: Ending): Promise<void> {
    if (this.#ending) return this.#released;
    this.#ending = why;
    this.#channel?.close(why);
    this.#released = Promise.all(this.#releases.splice(0).map((release) => this.#release(release))).then(
      () => {},
    );
    this.apply({ type: "ended", reason: why.reason });
    return this.#released;
  }

  /** `end` because the application wants it. */
  leave(): Promise<void> {
    return this.end(ending("user_initiated", "invalid_state", "the room was disconnected"));
  }

  async #release(release: () => void | Promise<void>): Promise<void> {
    try {
      await release();
    } catch (error) {
      this.log.warn("something could not be let go of", error);
    }
  }

  #tell({ state, events }: Step): void {
    const changed = state !== this.#state;
    this.#state = state;
    if (changed) this.#emitter.emit("state_changed", state);
    for (const [event, ...args] of events) {
      if (!isInside(state.status) && event !== "disconnected") continue;
      const all = event === "network_metrics_report" ? args : [...args, state];
      this.#emitter.emit(event, ...(all as never));
    }
    if (state.status === "disconnected") this.#emitter.clear();
  }
}
