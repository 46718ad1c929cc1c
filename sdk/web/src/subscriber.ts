import { RoomError } from "./errors.js";
import { uuid } from "./ids.js";
import type { MediaConnection } from "./media/connection.js";
import { ReceiveLines } from "./media/receive-lines.js";
import type { SubscriptionConfig } from "./options.js";
import { streamOf } from "./reducer.js";
import type { Session } from "./session.js";
import type { ReceiveLine } from "./signal/frames.js";
import type { State, Stream, TrackKind } from "./state.js";

/** How long an accepted subscription may take to get its lines, in milliseconds. */
export const START_TIMEOUT = 15_000;

interface Waiter {
  streamId: string;
  resolve(): void;
  reject(error: RoomError): void;
}

/** Receives the streams of others. */
export class Subscriber {
  readonly #session: Session;
  readonly #lines: ReceiveLines;
  readonly #wanted = new Set<string>();
  readonly #waiters = new Set<Waiter>();

  constructor(session: Session, media: MediaConnection) {
    this.#session = session;
    this.#lines = new ReceiveLines(
      media,
      async (sdp) => (await session.channel.request("offer", { sdp })).sdp,
      (error) => this.#failed(error),
    );
    session.watch((state) => this.#settle(state));
    session.onEnd(() => this.#rejectAll(session.ending?.error as RoomError));
  }

  /** Opens a pair of lines before anybody asks, so that the connection is up when the first stream is wanted. */
  prepare(): void {
    this.#lines.want(1, 1);
  }

  linesWanted(audio: number, video: number): void {
    this.#lines.want(audio, video);
  }

  assign(lines: ReceiveLine[]): void {
    this.#lines.assign(lines);
    this.#session.apply({ type: "tracks_received", streams: this.#lines.tracks() });
  }

  receiver(streamId: string, kind: TrackKind): RTCRtpReceiver | undefined {
    return this.#lines.receiver(streamId, kind);
  }

  async add(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    const stream = this.#find(participantId, key);
    this.#wanted.add(stream.id);
    // Offered along with the request rather than when the server asks for it: that saves a round trip.
    this.#lines.want(this.#wanted.size, this.#wanted.size);
    try {
      await this.#session.channel.request("subscribe", frame(stream, config), () =>
        this.#accepted(stream, config),
      );
    } catch (error) {
      this.#forgetUnlessSubscribed(stream);
      throw goneIfNotFound(error, stream);
    }
    await this.#started(stream);
  }

  async update(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    const stream = this.#findSubscribed(participantId, key);
    await this.#session.channel.request("update_subscription", frame(stream, config), () =>
      this.#accepted(stream, config),
    );
  }

  async remove(participantId: string, key: string): Promise<void> {
    const stream = this.#findSubscribed(participantId, key);
    await this.#session.channel.request("unsubscribe", { stream_id: stream.id }, () => this.#dropped(stream));
  }

  #accepted(stream: Stream, { audio, video }: SubscriptionConfig): void {
    this.#session.apply({ type: "subscribed", streamId: stream.id, subscriptionId: uuid(), audio, video });
    // The lines may have been told before.
    this.#session.apply({ type: "tracks_received", streams: this.#lines.tracks() });
  }

  #dropped(stream: Stream): void {
    this.#wanted.delete(stream.id);
    this.#lines.free(stream.id);
    this.#session.apply({ type: "unsubscribed", streamId: stream.id });
  }

  /** Resolves when the stream has its tracks; rejects when it will not get them. */
  #started(stream: Stream): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seconds = START_TIMEOUT / 1000;
        waiter.reject(new RoomError("timed_out", `${stream.key}: no lines within ${seconds} s`));
        this.#session.channel.request("unsubscribe", { stream_id: stream.id }).catch(() => {});
        this.#dropped(stream);
      }, START_TIMEOUT);
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        how();
      };
      const waiter: Waiter = {
        streamId: stream.id,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      this.#settle(this.#session.state);
    });
  }

  #settle(state: State): void {
    for (const id of this.#wanted) if (!state.streams.has(id)) this.#wanted.delete(id);
    for (const waiter of [...this.#waiters]) {
      const stream = state.streams.get(waiter.streamId);
      if (!stream) waiter.reject(new RoomError("stream_gone", "the stream was withdrawn"));
      else if (!state.subscriptions.get(stream.participantId)?.has(stream.key)) {
        waiter.reject(
          new RoomError("subscription_not_found", "the subscription was removed before it started"),
        );
      } else if (stream.isConfigured) waiter.resolve();
    }
  }

  #failed(error: RoomError): void {
    this.#rejectAll(error);
    if (!this.#session.ending) this.#session.fail(error);
  }

  #rejectAll(error: RoomError): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }

  #forgetUnlessSubscribed(stream: Stream): void {
    const subscriptions = this.#session.state.subscriptions.get(stream.participantId);
    if (!subscriptions?.has(stream.key)) this.#wanted.delete(stream.id);
  }

  #find(participantId: string, key: string): Stream {
    const { state } = this.#session;
    if (!state.participants.has(participantId)) {
      throw new RoomError(
        "participant_not_found",
        `no participant ${JSON.stringify(participantId)} is in the room`,
      );
    }
    const stream = streamOf(state, participantId, key);
    if (!stream) {
      throw new RoomError(
        "stream_not_found",
        `the participant publishes nothing under ${JSON.stringify(key)}`,
      );
    }
    if (stream.origin === "local") {
      throw new RoomError("invalid_argument", "a participant cannot subscribe to its own streams");
    }
    return stream;
  }

  #findSubscribed(participantId: string, key: string): Stream {
    const { state } = this.#session;
    if (!state.participants.has(participantId)) {
      throw new RoomError(
        "participant_not_found",
        `no participant ${JSON.stringify(participantId)} is in the room`,
      );
    }
    const stream = streamOf(state, participantId, key);
    if (!stream || !state.subscriptions.get(participantId)?.has(key)) {
      throw new RoomError("subscription_not_found", `there is no subscription of ${JSON.stringify(key)}`);
    }
    return stream;
  }
}

function frame(stream: Stream, { audio, video, quality }: SubscriptionConfig) {
  return { stream_id: stream.id, audio, video, ...(quality !== undefined && { quality }) };
}

/** The stream was there when it was asked for. */
function goneIfNotFound(error: unknown, stream: Stream): unknown {
  if (!(error instanceof RoomError) || error.code !== "stream_not_found") return error;
  return new RoomError("stream_gone", `${stream.key}: the stream was withdrawn`, { cause: error });
}
