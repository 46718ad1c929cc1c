import { Displays } from "./displays.js";
import { RoomError } from "./errors.js";
import { uuid } from "./ids.js";
import { requireParticipant, requireStream } from "./lookup.js";
import type { MediaConnection } from "./media/connection.js";
import { ReceiveLines } from "./media/receive-lines.js";
import { isForbidden, MixFeed, soundOnly } from "./mix-feed.js";
import type { SubscriptionConfig } from "./options.js";
import { streamOf } from "./reducer/entries.js";
import type { Session } from "./session.js";
import type { ReceiveLine } from "./signal/frames.js";
import type { State, Stream, Subscription, TrackKind } from "./state.js";

/** How long an accepted subscription may take to get its lines, in milliseconds. */
export const START_TIMEOUT = 15_000;

interface Waiter {
  streamId: string;
  resolve(): void;
  reject(error: RoomError): void;
}

/** Receives the streams of others: what the application subscribes, and the sound of all of them for the mix. */
export class Subscriber {
  readonly #session: Session;
  readonly #mixes: boolean;
  #lines: ReceiveLines;
  /** What the application asked for, by stream. */
  readonly #configs = new Map<string, SubscriptionConfig>();
  readonly #wanted = new Set<string>();
  readonly #feed: MixFeed | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #displays: Displays;

  /** `mayReceive` is what the token says, `mixes` whether there is a mix to feed. */
  constructor(session: Session, media: MediaConnection, mayReceive: boolean, mixes: boolean) {
    this.#session = session;
    this.#mixes = mixes;
    this.#lines = this.#receiveOver(media);
    session.onEnd(() => this.#lines.close());
    this.#displays = new Displays(session, (streamId) => this.#shownOtherwise(streamId));
    if (mixes) this.#feed = new MixFeed(session, this.#wanted, mayReceive, () => this.#openLines());
    session.watch((state) => this.#settle(state));
    session.onEnd(() => this.#rejectAll(session.ending?.error as RoomError));
  }

  /** Opens a pair of lines before anybody asks, so that the connection is up when the first stream is wanted. */
  prepare(): void {
    this.#lines.want(1, 1);
  }

  /** Has everything that is subscribed received over another connection, whose first offer opens lines by what this returns. */
  move(media: MediaConnection): () => void {
    this.#lines.close();
    const lines = this.#receiveOver(media);
    this.#lines = lines;
    this.#show(); // without tracks, until the server says what comes where
    return () => {
      const { size } = new Set([...this.#wanted, ...(this.#feed?.taken ?? [])]);
      lines.openWith(Math.max(size, 1), Math.max(size, 1));
    };
  }

  /** Receives everything again, over another connection, from a server that knows nothing of it. */
  renew(media: MediaConnection): void {
    this.#lines.close();
    this.#lines = this.#receiveOver(media);
    this.#wanted.clear();
    const { state } = this.#session;
    for (const subscription of [...state.subscriptions.values()].flatMap((keys) => [...keys.values()])) {
      const stream = streamOf(state, subscription.participantId, subscription.key);
      if (stream) this.#again(stream, subscription);
    }
    this.#feed?.reset();
    this.prepare();
    this.#openLines();
  }

  #again(stream: Stream, subscription: Subscription): void {
    this.#wanted.add(stream.id);
    const config = this.#configs.get(stream.id) ?? subscription;
    this.#session.channel
      .request("subscribe", this.#frame(stream, config), () => this.#show())
      .catch((error: unknown) => {
        if (this.#session.ending) return;
        this.#session.log.warn(`${stream.key}: the stream could not be subscribed again`, error);
        this.#dropped(stream, false);
      });
  }

  #receiveOver(media: MediaConnection): ReceiveLines {
    return new ReceiveLines(
      media,
      this.#mixes,
      async (sdp) => (await this.#session.channel.request("offer", { sdp })).sdp,
      (error) => this.#failed(error),
    );
  }

  linesWanted(audio: number, video: number): void {
    this.#lines.want(audio, video);
  }

  assign(lines: ReceiveLine[]): void {
    this.#lines.assign(lines);
    this.#show();
  }

  /** Shows a stream in an element, and asks for no larger picture than that. */
  attachVideo(participantId: string, key: string, element: HTMLVideoElement): () => void {
    return this.#displays.attach(participantId, key, element);
  }

  /** What receives a kind of a stream, for the application or for the mix. */
  receiver(streamId: string, kind: TrackKind): RTCRtpReceiver | undefined {
    return this.#lines.receiver(streamId, kind);
  }

  /** Stream id to the track that belongs in the mix. */
  mixTracks(): Map<string, MediaStreamTrack> {
    return this.#lines.mixTracks();
  }

  async add(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    const stream = this.#find(participantId, key);
    this.#wanted.add(stream.id);
    this.#openLines();
    try {
      await this.#session.channel.request("subscribe", this.#frame(stream, config), () =>
        this.#accepted(stream, config),
      );
    } catch (error) {
      if (!this.#subscription(stream)) this.#wanted.delete(stream.id);
      if (this.#feed && isForbidden(error)) this.#feed.allowed = false;
      this.#feed?.fill();
      throw goneIfNotFound(error, stream);
    }
    await this.#started(stream);
  }

  async update(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    const stream = this.#findSubscribed(participantId, key);
    await this.#session.channel.request("update_subscription", this.#frame(stream, config), () =>
      this.#accepted(stream, config),
    );
  }

  async remove(participantId: string, key: string): Promise<void> {
    const stream = this.#findSubscribed(participantId, key);
    await this.#release(stream, (kept) => this.#dropped(stream, kept));
  }

  /** Tells the server that the application let go of a stream. The mix, if there is one, keeps the lines and the sound. */
  async #release(stream: Stream, apply: (kept: boolean) => void): Promise<void> {
    const { channel } = this.#session;
    if (this.#feed?.allowed) {
      try {
        await channel.request("update_subscription", { stream_id: stream.id, ...soundOnly }, () =>
          apply(true),
        );
        return;
      } catch (error) {
        if (!isForbidden(error)) throw endedIfNotFound(error, stream);
        this.#feed.allowed = false;
      }
    }
    await channel.request("unsubscribe", { stream_id: stream.id }, () => apply(false));
  }

  /** What the server is asked for: what the application wants, and the sound if there is a mix. */
  #frame(stream: Stream, { audio, video, quality, maxWidth, maxHeight }: SubscriptionConfig) {
    const forMix = this.#feed !== undefined;
    return {
      stream_id: stream.id,
      audio: audio || forMix,
      video,
      ...(quality !== undefined && { quality }),
      ...this.#displays.ask(stream.id),
      ...(maxWidth !== undefined && { max_width: maxWidth }),
      ...(maxHeight !== undefined && { max_height: maxHeight }),
    };
  }

  #shownOtherwise(streamId: string): void {
    const stream = this.#session.state.streams.get(streamId);
    const config = this.#configs.get(streamId);
    if (!stream || !config || !this.#subscription(stream) || this.#session.ending) return;
    this.#session.channel
      .request("update_subscription", this.#frame(stream, config), () => {})
      .catch((error: unknown) => this.#session.log.debug(`${stream.key}: its size could not be told`, error));
  }

  /** Offers lines along with requests rather than when the server asks for them: that saves a round trip. */
  #openLines(): void {
    const { size } = new Set([...this.#wanted, ...(this.#feed?.taken ?? [])]);
    this.#lines.want(size, size);
  }

  #accepted(stream: Stream, config: SubscriptionConfig): void {
    const { audio, video } = config;
    const before = this.#subscription(stream);
    if (before && before.audio !== audio) this.#lines.sound(stream.id, audio);
    // An earlier `remove` may have been answered after this was asked for.
    this.#wanted.add(stream.id);
    this.#configs.set(stream.id, config);
    this.#session.apply({ type: "subscribed", streamId: stream.id, subscriptionId: uuid(), audio, video });
    // The lines may have been told before.
    this.#show();
    if (this.#feed) this.#feed.allowed = true;
  }

  /** Gives the application the tracks of what it subscribed. */
  #show(): void {
    const { state } = this.#session;
    for (const stream of state.streams.values()) {
      const subscription = this.#subscription(stream);
      if (!subscription) continue;
      const isNew = this.#lines.receiver(stream.id, "audio")?.track !== stream.audioTrack;
      if (isNew) this.#lines.sound(stream.id, subscription.audio);
    }
    this.#session.apply({ type: "tracks_received", streams: this.#lines.tracks() });
  }

  #dropped(stream: Stream, kept: boolean): void {
    if (kept) this.#feed?.keep(stream.id);
    else this.#lines.free(stream.id);
    this.#wanted.delete(stream.id);
    this.#configs.delete(stream.id);
    this.#session.apply({ type: "unsubscribed", streamId: stream.id });
  }

  /** Resolves when the stream has its tracks; rejects when it will not get them. */
  #started(stream: Stream): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seconds = START_TIMEOUT / 1000;
        waiter.reject(new RoomError("timed_out", `${stream.key}: no lines within ${seconds} s`));
        this.#release(stream, () => {}).catch(() => {});
        this.#dropped(stream, this.#feed?.allowed ?? false);
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
    for (const id of this.#configs.keys()) if (!state.streams.has(id)) this.#configs.delete(id);
    this.#feed?.fill();
    for (const waiter of [...this.#waiters]) {
      const stream = state.streams.get(waiter.streamId);
      if (!stream) waiter.reject(new RoomError("stream_gone", "the stream was withdrawn"));
      else if (!this.#subscription(stream)) {
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

  #subscription({ participantId, key }: Stream): Subscription | undefined {
    return this.#session.state.subscriptions.get(participantId)?.get(key);
  }

  #find(participantId: string, key: string): Stream {
    const stream = requireStream(this.#session.state, participantId, key);
    if (stream.origin === "local") {
      throw new RoomError("invalid_argument", "a participant cannot subscribe to its own streams");
    }
    return stream;
  }

  #findSubscribed(participantId: string, key: string): Stream {
    const { state } = this.#session;
    requireParticipant(state, participantId);
    const stream = streamOf(state, participantId, key);
    if (!stream || !state.subscriptions.get(participantId)?.has(key)) {
      throw new RoomError("subscription_not_found", `there is no subscription of ${JSON.stringify(key)}`);
    }
    return stream;
  }
}

/** A subscription ends with its stream. */
function endedIfNotFound(error: unknown, stream: Stream): unknown {
  if (!(error instanceof RoomError) || error.code !== "stream_not_found") return error;
  return new RoomError("subscription_not_found", `${stream.key}: the stream was withdrawn`, { cause: error });
}

/** The stream was there when it was asked for. */
function goneIfNotFound(error: unknown, stream: Stream): unknown {
  if (!(error instanceof RoomError) || error.code !== "stream_not_found") return error;
  return new RoomError("stream_gone", `${stream.key}: the stream was withdrawn`, { cause: error });
}
