import { requireIds, requireSubscription, requireText } from "./arguments.js";
import type { Call } from "./call.js";
import { CONNECT_TIMEOUT, Entrance } from "./entrance.js";
import { RoomError } from "./errors.js";
import type { Events } from "./events.js";
import type { DataOptions, Message } from "./messages.js";
import { Messenger } from "./messenger.js";
import { MetricsReporter } from "./metrics-reporter.js";
import type { InitializeConfig, StreamTracks, SubscriptionConfig } from "./options.js";
import { streamOf } from "./reducer.js";
import type { Session } from "./session.js";
import type { HelloReply } from "./signal/frames.js";
import { ending, endingOfError } from "./signal/refusals.js";
import type { Participant, State, Stream, TrackKind } from "./state.js";

/** The browser's statistics of one stream, per kind: report id to statistics object. */
export interface StreamStats {
  senders: { audio?: Record<string, unknown>; video?: Record<string, unknown> };
  receivers: { audio?: Record<string, unknown>; video?: Record<string, unknown> };
}

/**
 * One stay of one participant in one room. `initialize` makes it; it cannot be used again after `disconnected`. Several may
 * exist in one page. Every promise settles: with a `RoomError` after a refusal, a time limit or the end of the room.
 */
export class Room {
  /** The room's UUID. */
  readonly id: string;
  readonly #session: Session;
  readonly #entrance: Entrance;
  readonly #messenger: Messenger;
  readonly #metrics: MetricsReporter;

  /** @internal */
  constructor(session: Session, config: InitializeConfig, hello: HelloReply) {
    this.id = hello.room.id;
    this.#session = session;
    const entrance = new Entrance(session, config, hello);
    this.#entrance = entrance;
    this.#messenger = new Messenger(session, config.enableMessages === true, () => ({
      limit: entrance.hello.limits.message_bytes,
      lossy: entrance.call?.lossy,
    }));
    this.#metrics = new MetricsReporter(session, async (stream, kind) => this.#stats(stream, kind));
    // A page that goes away says so, lest the others wait for it.
    const leave = () => void session.leave();
    globalThis.addEventListener?.("pagehide", leave);
    session.onEnd(() => globalThis.removeEventListener?.("pagehide", leave));
  }

  /**
   * Enters the room. Resolves when `connected`; rejects with `room_full`, `room_not_found`, `unauthorized`, `forbidden`, with
   * `timed_out` after 30 s, or with what else ended the room meanwhile. A second call rejects with `invalid_state`.
   */
  async connect(): Promise<void> {
    const session = this.#session;
    // A room that died between initialize and connect says why.
    if (session.ending && session.ending.reason !== "user_initiated") throw session.ending.error;
    session.require("initialized");
    session.apply({ type: "connecting" });
    // A listener may have changed its mind.
    session.require("connecting");
    const deadline = setTimeout(() => {
      const seconds = CONNECT_TIMEOUT / 1000;
      void session.end(ending("timed_out", "timed_out", `connect: not connected within ${seconds} s`));
    }, CONNECT_TIMEOUT);
    session.onEnd(() => clearTimeout(deadline));
    try {
      await this.#entrance.enter();
    } catch (error) {
      const why = endingOfError(error);
      await session.end(why);
      throw why.error;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Leaves the room. Resolves when `disconnected` was emitted and all media is closed. Calling it again does nothing. */
  disconnect(): Promise<void> {
    return this.#session.leave();
  }

  /** Hands the server a fresh token; do so before the old one expires. Resolves when it was accepted. */
  async updateClientToken(token: string): Promise<void> {
    requireText("token", token);
    this.#session.require("initialized", "connecting", "connected");
    await this.#entrance.tokens.update(token);
  }

  /** Listens to an event. Returns a function that stops it. Listeners are called in order, synchronously. */
  on<E extends keyof Events>(event: E, callback: Events[E]): () => void {
    if (typeof callback !== "function")
      throw new RoomError("invalid_argument", "the callback must be a function");
    return this.#session.on(event, callback);
  }

  /** Everything known about the room now. It is never changed, only replaced. */
  getState(): State {
    return this.#session.state;
  }

  /** This client, before `connect()` and after the end too. */
  getLocalParticipant(): Participant {
    const { participants, localParticipantId } = this.#session.state;
    return participants.get(localParticipantId) as Participant;
  }

  /** The streams of this client, by key. */
  getLocalStreams(): Record<string, Stream> {
    return Object.fromEntries(this.getParticipantStreams(this.#session.state.localParticipantId));
  }

  /** Throws `participant_not_found` if the participant is not in the room. */
  getParticipantStream(participantId: string, key: string): Stream | undefined {
    this.#requireParticipant(participantId);
    return streamOf(this.#session.state, participantId, key);
  }

  /** The streams of a participant by key. Throws `participant_not_found` if the participant is not in the room. */
  getParticipantStreams(participantId: string): Map<string, Stream> {
    const { streams } = this.#requireParticipant(participantId);
    const all = Object.entries(streams).map(
      ([key, id]) => [key, this.#session.state.streams.get(id)] as const,
    );
    return new Map(all.filter((entry): entry is [string, Stream] => entry[1] !== undefined));
  }

  /**
   * Publishes tracks under a key of 1 to 64 bytes that is unique for this participant. Both kinds are negotiated; one that is missing can be
   * added later by `updateStream`. Resolves when negotiated. May be called while `connect()` is still under way. Rejects with
   * `encryption_required`, `key_in_use`, `too_many_streams`, `forbidden`, `not_supported` or `media_failed`, and then leaves nothing behind.
   */
  async addStream(key: string, tracks: StreamTracks = {}): Promise<void> {
    requireText("key", key);
    await this.#requireCall("connecting", "connected").publisher.add(key, tracks ?? {});
  }

  /**
   * Replaces the whole track set of a stream: a kind left out is switched off. The flags are read from `track.enabled` now and
   * announced to the others, so call it also after changing `enabled` alone. The SDK never stops a track.
   */
  async updateStream(key: string, tracks: StreamTracks = {}): Promise<void> {
    requireText("key", key);
    await this.#requireCall("connecting", "connected").publisher.update(key, tracks ?? {});
  }

  /** Withdraws a stream. */
  async removeStream(key: string): Promise<void> {
    requireText("key", key);
    await this.#requireCall("connecting", "connected").publisher.remove(key);
  }

  /**
   * Receives a stream. Resolves after `subscription_started`, when both tracks are in the state; a kind that is off stays silent or
   * frozen (so leave `enabled` of its track alone). Of a stream that is subscribed already it changes the subscription. Rejects with `stream_gone` if the stream is
   * withdrawn meanwhile.
   */
  async addSubscription(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    requireSubscription(participantId, key, config);
    await this.#requireCall("connected").subscriber.add(participantId, key, config);
  }

  /** Turns kinds of a subscription on or off, or asks for another size, without negotiation. */
  async updateSubscription(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    requireSubscription(participantId, key, config);
    await this.#requireCall("connected").subscriber.update(participantId, key, config);
  }

  /** Stops receiving a stream. It is still heard in `mixedAudioTrack`. */
  async removeSubscription(participantId: string, key: string): Promise<void> {
    requireText("participantId", participantId);
    requireText("key", key);
    await this.#requireCall("connected").subscriber.remove(participantId, key);
  }

  /**
   * Shows the video of a stream in an element, whenever it has any, and tells the server how large it is seen, so that no larger picture is
   * sent, and none while it is out of sight. The element's `object-fit` and the density of the screen count. Local streams can be shown too. Call it before or
   * after `addSubscription`, once the room is connecting. Returns a function that ends it; so does the end of the room.
   */
  attachVideo(participantId: string, key: string, element: HTMLVideoElement): () => void {
    requireText("participantId", participantId);
    requireText("key", key);
    if (typeof element?.play !== "function")
      throw new RoomError("invalid_argument", "the element must be a video element");
    return this.#requireCall("connecting", "connected").subscriber.attachVideo(participantId, key, element);
  }

  /**
   * Sends a text message: to everybody, this client too, or to some. Resolves when the server accepted it, with those it
   * did not reach. Rejects with `messages_disabled`, `message_invalid` or `message_too_large` (256 KiB unless the server says otherwise).
   */
  async sendMessage(message: Message, recipients: string[] = []): Promise<string[]> {
    return this.#messenger.sendMessage(message, recipients);
  }

  /**
   * Sends bytes to everybody else, or to some. They must have enabled messages, as must this client; `data_received` tells them.
   *
   * Reliable data (the default) is at most 256 KiB, arrives in order with messages, and the promise resolves when the server accepted
   * it, with those it did not reach. With `reliable: false` it is at most 1,200 bytes and goes over the media connection: at once, in any
   * order, or not at all. It is dropped, and the promise resolves all the same, while that connection is not up yet, when more than
   * 200 a second are sent, and for receivers that are too slow. Rejects with `messages_disabled`, `invalid_argument`, `message_too_large`
   * or `rate_limited`.
   */
  async sendData(data: Uint8Array | ArrayBuffer, options: DataOptions = {}): Promise<string[]> {
    return this.#messenger.sendData(data, options ?? {});
  }

  /**
   * Bytes of messages and reliable data that the server has not accepted yet. Whoever sends much waits while this is large, or for
   * the promises.
   */
  get bufferedAmount(): number {
    return this.#messenger.buffered;
  }

  /**
   * Lets the SDK play everybody's sound from now on, or leaves that to the application: what `playAudio` of `initialize` says at first. May be
   * called before `connect()`, and does nothing after the end.
   */
  setAudioPlayback(on: boolean): void {
    if (typeof on !== "boolean") throw new RoomError("invalid_argument", "on must be true or false");
    this.#entrance.playsAudio = on;
  }

  /**
   * Starts the sound that the browser held back (`state.audioBlocked`); call it in the listener of a click. It starts what the SDK
   * plays (`playAudio: true`) and the mix. Rejects with `playback_blocked` if the browser still does not allow it. The first
   * touch or key on the page has the same effect without a call.
   */
  async startAudio(): Promise<void> {
    this.#requireCall("connecting", "connected");
    await this.#entrance.playback?.start();
  }

  /**
   * Chooses the device that plays what the SDK plays (`playAudio: true`): the id of an `audiooutput` of `getDevices()`, or "" for the default one. If the
   * device goes away, the default one takes over, with the event `audio_output_lost`. Rejects with `not_supported`,
   * `device_not_found` or `permission_denied`, or with `invalid_state` if the application plays the sound itself.
   */
  async setAudioOutput(deviceId: string): Promise<void> {
    if (typeof deviceId !== "string") {
      throw new RoomError("invalid_argument", "deviceId must be a string, empty for the default device");
    }
    this.#requireCall("connecting", "connected");
    await this.#entrance.playback?.setOutput(deviceId);
  }

  /**
   * Emits `network_metrics_report` about these participants now and every 5 s. Calling it again replaces the list. `includeStreams` adds the
   * quality per key and kind.
   */
  async enableNetworkMetricsReport(
    participantIds: string[],
    options: { includeStreams?: boolean } = {},
  ): Promise<void> {
    requireIds("participantIds", participantIds);
    this.#session.require("connected");
    this.#metrics.enable(participantIds, options?.includeStreams === true);
  }

  /** Stops reporting about these participants, or altogether without argument or with an empty list. */
  async disableNetworkMetricsReport(participantIds: string[] = []): Promise<void> {
    requireIds("participantIds", participantIds);
    this.#metrics.disable(participantIds);
  }

  /** The browser's statistics of a stream: its senders if it is local, its receivers if it is subscribed. */
  async getWebRTCStatsForStream(participantId: string, key: string): Promise<StreamStats> {
    requireText("key", key);
    const stream = this.getParticipantStream(participantId, key);
    const stats: StreamStats = { senders: {}, receivers: {} };
    if (!stream) {
      throw new RoomError(
        "stream_not_found",
        `the participant publishes nothing under ${JSON.stringify(key)}`,
      );
    }
    for (const kind of ["audio", "video"] as const) {
      const report = await this.#stats(stream, kind);
      if (report)
        stats[stream.origin === "local" ? "senders" : "receivers"][kind] = Object.fromEntries(report);
    }
    return stats;
  }

  async #stats(stream: Stream, kind: TrackKind): Promise<RTCStatsReport | undefined> {
    if (stream.origin === "local") return this.#entrance.call?.publisher.sender(stream.id, kind)?.getStats();
    // What is received for the mix alone is not the application's.
    return stream.isConfigured
      ? this.#entrance.call?.subscriber.receiver(stream.id, kind)?.getStats()
      : undefined;
  }

  #requireCall(...allowed: ("connecting" | "connected")[]): Call {
    this.#session.require(...allowed);
    const { call } = this.#entrance;
    if (!call) throw new RoomError("invalid_state", "the room is only beginning to connect");
    return call;
  }

  #requireParticipant(id: string): Participant {
    const participant = this.#session.state.participants.get(id);
    if (!participant) {
      throw new RoomError("participant_not_found", `no participant ${JSON.stringify(id)} is in the room`);
    }
    return participant;
  }
}
