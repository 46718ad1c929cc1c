import { RoomError } from "./errors.js";
import type { SubscriptionConfig } from "./options.js";
import type { Session } from "./session.js";
import type { State, Stream } from "./state.js";
import type { Subscriber } from "./subscriber.js";

/** How many streams are subscribed at once, and how long until more are, in milliseconds: the server limits the rate of requests. */
export const AUTO_BURST = 100;
export const AUTO_PAUSE = 2_000;

/** Gives what to receive of a stream; nothing for one that is to be left alone. */
export type Choice = (stream: Stream) => SubscriptionConfig | null | undefined;

const everything: Choice = () => ({ audio: true, video: true });

/** Subscribes streams as they appear, each once: what the application removes stays removed. */
export class AutoSubscriber {
  readonly #session: Session;
  readonly #subscriber: Subscriber;
  readonly #choose: Choice;
  readonly #seen = new Set<string>();
  #burst = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, subscriber: Subscriber, choice: true | Choice) {
    this.#session = session;
    this.#subscriber = subscriber;
    this.#choose = choice === true ? everything : choice;
    session.watch((state) => this.#look(state));
    session.onEnd(() => clearTimeout(this.#pause));
  }

  #look({ status, streams, subscriptions }: State): void {
    for (const id of this.#seen) if (!streams.has(id)) this.#seen.delete(id);
    if (status !== "connected") return;
    for (const stream of streams.values()) {
      if (stream.origin !== "remote" || this.#seen.has(stream.id)) continue;
      if (this.#burst === AUTO_BURST) return;
      this.#seen.add(stream.id);
      // A listener of `connected` or `stream_published` may have been quicker.
      if (!subscriptions.get(stream.participantId)?.has(stream.key)) void this.#take(stream);
    }
  }

  async #take(stream: Stream): Promise<void> {
    try {
      const config = this.#choose(stream);
      if (!config) return;
      this.#burst++;
      this.#pause ??= setTimeout(() => this.#resume(), AUTO_PAUSE);
      await this.#subscriber.add(stream.participantId, stream.key, config);
    } catch (cause) {
      // Streams go and subscriptions are removed while they start; that is no failure.
      if (this.#session.ending || !this.#session.state.streams.has(stream.id)) return;
      if (cause instanceof RoomError && cause.code === "subscription_not_found") return;
      this.#session.fail(
        cause instanceof RoomError
          ? cause
          : new RoomError("invalid_argument", "autoSubscribe threw", { cause }),
      );
    }
  }

  #resume(): void {
    this.#pause = undefined;
    this.#burst = 0;
    this.#look(this.#session.state);
  }
}
