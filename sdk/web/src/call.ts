import { ActivityMonitor } from "./activity.js";
import type { Encryption } from "./e2ee/encryption.js";
import type { RoomError } from "./errors.js";
import { type ConnectionListener, MediaConnection } from "./media/connection.js";
import { FlowWatch } from "./media/flow-watch.js";
import { LossyChannel } from "./media/lossy-channel.js";
import { MixedAudio } from "./media/mixed-audio.js";
import { MediaRecovery } from "./media/recovery.js";
import { RepairTime } from "./media/repair-time.js";
import { Publisher } from "./publisher.js";
import type { CarriedTrack, Measurement } from "./quality-report.js";
import type { Session } from "./session.js";
import type { Notice, ReceiveLine } from "./signal/frames.js";
import { ending } from "./signal/refusals.js";
import { isInside } from "./state.js";
import { Subscriber } from "./subscriber.js";

/** A connection that takes the place of another is not replaced itself so soon after, in milliseconds. */
const REPLACE_AGAIN = 60_000;

/** Who gets a room back whose media is lost. */
export interface MediaKeeper {
  mediaLost(): void;
  mediaRestored(): void;
  /** Packets come again that had stopped. */
  mediaFlows(): void;
  /** The media connection is of no use any more. Reports false if nothing more can be done about it. */
  mediaBroken(): boolean;
}

/** What a call is like. */
export interface CallOptions {
  /** What the token says. */
  mayReceive: boolean;
  /** Whether the application wants a mix. */
  mixes: boolean;
  /** Whether the application wants messages, and so data. */
  messages: boolean;
  /** Whether ICE servers are those the server names. */
  obeys: boolean;
  encryption: Encryption | undefined;
  /** Throws where nothing may be sent for want of encryption. */
  requireSealed: () => void;
}

/** The media of a room, from `connect()` to the end of the session. */
export class Call {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly activity: ActivityMonitor;
  readonly #session: Session;
  readonly #keeper: MediaKeeper | undefined;
  readonly #mixed: MixedAudio | undefined;
  #configuration: RTCConfiguration;
  #media: MediaConnection;
  #givenUp: MediaConnection | undefined;
  #replacedAt = Number.NEGATIVE_INFINITY;
  #recovery!: MediaRecovery;
  #flow: FlowWatch | undefined;
  #repairTime!: RepairTime;
  readonly #obeys: boolean;
  readonly #messages: boolean;
  #lossy: LossyChannel | undefined;
  readonly #encryption: Encryption | undefined;

  /** Without a keeper, lost media ends the room. */
  constructor(
    session: Session,
    configuration: RTCConfiguration,
    { mayReceive, mixes, messages, obeys, encryption, requireSealed }: CallOptions,
    keeper?: MediaKeeper,
  ) {
    this.#encryption = encryption;
    this.#session = session;
    this.#keeper = keeper;
    this.#obeys = obeys;
    this.#messages = messages;
    this.#configuration = configuration;
    this.#media = this.#connect(configuration);
    session.onEnd(() => this.#close());
    if (mixes) this.#mixed = new MixedAudio(session.log);
    session.onEnd(() => this.#mixed?.close());
    this.publisher = new Publisher(session, this.#media, requireSealed);
    this.subscriber = new Subscriber(session, this.#media, mayReceive, mixes);
    this.activity = new ActivityMonitor(session, mixes);
    session.onEnd(() => this.activity.stop());
    session.watch(() => this.#mix());
    session.watchNotices((notice) => this.#notice(notice));
  }

  get mixedAudio(): MixedAudio | undefined {
    return this.#mixed;
  }

  get mixedAudioTrack(): MediaStreamTrack | undefined {
    return this.#mixed?.track;
  }

  /** Absent for those who take no messages. */
  get lossy(): LossyChannel | undefined {
    return this.#lossy;
  }

  /** Publishes and receives everything over a new connection, to a server that knows nothing of the one before. */
  renew(configuration: RTCConfiguration): void {
    this.#configuration = configuration;
    this.#close();
    this.#media = this.#connect(configuration);
    this.publisher.renew(this.#media);
    this.subscriber.renew(this.#media);
    this.#mix();
  }

  /** Moves everything to a new connection; the server knows what it is. */
  #replace(): void {
    this.#close();
    const media = this.#connect(this.#configuration);
    this.#media = media;
    this.#recovery.begin();
    const sending = this.publisher.move(media);
    const receive = this.subscriber.move(media);
    const prepare = () => {
      sending.open();
      receive();
      return true;
    };
    const exchange = async (sdp: string) => {
      const streams = sending.streams();
      return (await this.#session.channel.request("replace_media", { sdp, streams })).sdp;
    };
    media.negotiate(prepare, exchange).catch((error: RoomError) => {
      if (this.#media === media) this.#lost(error);
    });
  }

  /** The network changed, or the server is back after it was lost. */
  networkChanged(iceServers?: RTCIceServer[]): void {
    if (iceServers) this.#configuration = { ...this.#configuration, iceServers };
    this.#recovery.networkChanged(iceServers, this.#flow?.quiet === false);
  }

  /** The socket was lost. If media stopped as well, the network is another. */
  socketLost(): void {
    if (this.#flow?.quiet) this.#recovery.unreachable();
  }

  /** Offers the line for data, for those whose offers have no other. */
  offerData(): void {
    this.#media
      .negotiate(
        () => this.#lossy !== undefined,
        (sdp) => this.#offer(sdp),
      )
      .catch((error: unknown) => this.#session.log.debug("lossy data cannot be sent", error));
  }

  async #offer(sdp: string): Promise<string> {
    return (await this.#session.channel.request("offer", { sdp })).sdp;
  }

  /** The statistics of the media connection, and what its lines carry. */
  async measure(): Promise<Measurement> {
    const media = this.#media;
    const stats = await media.getStats();
    const mids = media.mids();
    const carried = new Map<string, CarriedTrack>();
    for (const { id, origin } of this.#session.state.streams.values()) {
      for (const kind of ["audio", "video"] as const) {
        const line =
          origin === "local" ? this.publisher.sender(id, kind) : this.subscriber.receiver(id, kind);
        const mid = mids.get(line);
        if (mid !== undefined) carried.set(mid, { streamId: id, kind });
      }
    }
    return { connection: media, stats, carried };
  }

  #close(): void {
    this.#flow?.stop();
    this.#repairTime.stop();
    this.#recovery.close();
    this.#media.close();
  }

  #connect(configuration: RTCConfiguration): MediaConnection {
    const { channel, log } = this.#session;
    const persistent = this.#keeper !== undefined;
    // What a connection says that was replaced is of no interest.
    const broken = (error: RoomError) => void (this.#media === media && this.#broken(error));
    const listener: ConnectionListener = {
      disconnected: () => void (persistent && recovery.disconnected()),
      failed: () => recovery.disconnected(),
      connected: () => recovery.connected(),
      broken,
    };
    const media = new MediaConnection(configuration, listener, log, this.#encryption);
    if (this.#messages) {
      this.#lossy = new LossyChannel(media, (from, message) =>
        this.#session.tell("data_received", from, message),
      );
    }
    const recovery = new MediaRecovery(
      media,
      {
        isReachable: () => !channel.suspended,
        exchange: (sdp) => this.#offer(sdp),
        lost: () => this.#keeper?.mediaLost(),
        restored: () => this.#keeper?.mediaRestored(),
        hopeless: broken,
      },
      persistent,
      log,
    );
    this.#recovery = recovery;
    this.#flow =
      this.#keeper &&
      new FlowWatch(
        () => media.received(),
        (flows) => this.#flowed(flows),
      );
    this.#repairTime = new RepairTime(media);
    return media;
  }

  #flowed(flows: boolean): void {
    const { channel } = this.#session;
    if (flows) this.#keeper?.mediaFlows();
    else if (channel.suspended) this.#recovery.unreachable();
    else channel.suspect();
  }

  #broken(error: RoomError): void {
    if (this.#session.ending) return;
    this.#session.fail(error);
    const now = Date.now();
    if (this.#keeper && !this.#session.channel.suspended && now - this.#replacedAt > REPLACE_AGAIN) {
      this.#replacedAt = now;
      this.#session.log.info("the media connection is being replaced");
      this.#replace();
      return;
    }
    this.#lost(error);
  }

  /** Neither restarting nor replacing the connection helped. */
  #lost(error: RoomError): void {
    if (this.#session.ending || this.#givenUp === this.#media) return;
    this.#givenUp = this.#media;
    if (this.#keeper?.mediaBroken()) return;
    const reason = error.code === "timed_out" ? "timed_out" : "network_error";
    void this.#session.end(ending(reason, error.code, error.message, error));
  }

  #notice(notice: Notice): void {
    if (notice.type === "lines_wanted") this.subscriber.linesWanted(notice.audio, notice.video);
    else if (notice.type === "ice_servers_changed" && this.#obeys) this.#useServers(notice.ice_servers);
    else if (notice.type === "layers_wanted") this.publisher.layersWanted(notice.stream_id, notice.layers);
    else if (notice.type === "receive") this.#assign(notice.lines);
    else if (notice.type === "stream_unpublished") this.publisher.withdrawn(notice.stream_id);
  }

  #useServers(iceServers: RTCIceServer[]): void {
    this.#configuration = { ...this.#configuration, iceServers };
    this.#media.useServers(iceServers);
  }

  #assign(lines: ReceiveLine[]): void {
    this.subscriber.assign(lines);
    this.#mix();
  }

  #mix(): void {
    const { status, streams } = this.#session.state;
    if (!this.#mixed || !isInside(status)) return;
    const tracks = new Set<MediaStreamTrack>();
    for (const [streamId, track] of this.subscriber.mixTracks()) if (streams.has(streamId)) tracks.add(track);
    this.#mixed.mix(tracks);
  }
}
