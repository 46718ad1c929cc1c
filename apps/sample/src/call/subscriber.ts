import type { Room, Stream, SubscriptionConfig } from "@rotunda/video";

/** How a stream is looked at: not at all, or at a size. */
export type Look = "hidden" | "low" | "medium" | "high";

/** The simulcast size that is enough for a tile this tall, in device pixels. */
export function lookFor(height: number, pixelRatio: number): Look {
  const pixels = height * Math.min(2, pixelRatio);
  if (pixels <= 200) return "low";
  return pixels <= 400 ? "medium" : "high";
}

/**
 * Receives every stream of the others: sound always, pictures only while they are looked at and no larger than shown. One change per
 * stream is under way at a time.
 */
export class Subscriber {
  readonly #room: Room;
  readonly #failed: (error: unknown) => void;
  #looks: ReadonlyMap<string, Look> = new Map();
  readonly #done = new Map<string, Look>();
  readonly #busy = new Set<string>();
  #closed = false;

  constructor(room: Room, failed: (error: unknown) => void) {
    this.#room = room;
    this.#failed = failed;
  }

  close(): void {
    this.#closed = true;
  }

  /** How each stream is looked at, by stream id. Those not named yet are received in the middle size until they are. */
  look(looks: ReadonlyMap<string, Look>): void {
    this.#looks = looks;
    this.sync();
  }

  /** Brings subscriptions in step with the streams that are there. */
  sync(): void {
    const { streams } = this.#room.getState();
    for (const id of [...this.#done.keys()]) if (!streams.has(id)) this.#done.delete(id);
    for (const stream of streams.values()) {
      if (stream.origin === "remote" && !this.#busy.has(stream.id)) void this.#follow(stream);
    }
  }

  async #follow(stream: Stream): Promise<void> {
    this.#busy.add(stream.id);
    try {
      while (!this.#closed && this.#room.getState().streams.has(stream.id)) {
        const look = this.#looks.get(stream.id) ?? "medium";
        const done = this.#done.get(stream.id);
        if (done === look) return;
        this.#done.set(stream.id, look);
        const { participantId, key } = stream;
        if (done === undefined) await this.#room.addSubscription(participantId, key, wish(look));
        else await this.#room.updateSubscription(participantId, key, wish(look));
      }
    } catch (error) {
      // A stream may go, or the room end, while it is being subscribed; that is no failure.
      if (!this.#closed && this.#room.getState().streams.has(stream.id)) this.#failed(error);
    } finally {
      this.#busy.delete(stream.id);
    }
  }
}

function wish(look: Look): SubscriptionConfig {
  return look === "hidden" ? { audio: true, video: false } : { audio: true, video: true, quality: look };
}
