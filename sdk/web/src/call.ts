import { ActivityMonitor } from "./activity.js";
import { RoomError } from "./errors.js";
import { type ConnectionListener, MediaConnection } from "./media/connection.js";
import { LossyChannel } from "./media/lossy-channel.js";
import { MixedAudio } from "./media/mixed-audio.js";
import { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import type { Notice, ReceiveLine } from "./signal/frames.js";
import { ending } from "./signal/refusals.js";
import { Subscriber } from "./subscriber.js";

/** The media of a room, from `connect()` to the end of the session. */
export class Call implements ConnectionListener {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly activity: ActivityMonitor;
  /** Absent for those who take no messages. */
  readonly lossy: LossyChannel | undefined;
  readonly #session: Session;
  readonly #media: MediaConnection;
  readonly #mixed: MixedAudio | undefined;
  #restarting = false;

  /** `mayReceive` is what the token says, `mixes` whether the application wants a mix, `messages` whether it wants messages. */
  constructor(
    session: Session,
    configuration: RTCConfiguration,
    { mayReceive, mixes, messages }: { mayReceive: boolean; mixes: boolean; messages: boolean },
  ) {
    this.#session = session;
    this.#media = new MediaConnection(configuration, this, session.log);
    session.onEnd(() => this.#media.close());
    if (mixes) this.#mixed = new MixedAudio(session.log);
    session.onEnd(() => this.#mixed?.close());
    if (messages) {
      this.lossy = new LossyChannel(this.#media, (from, message) =>
        session.tell("data_received", from, message),
      );
    }
    this.publisher = new Publisher(session, this.#media);
    this.subscriber = new Subscriber(session, this.#media, mayReceive, mixes);
    this.activity = new ActivityMonitor(session, mixes);
    session.onEnd(() => this.activity.stop());
    session.watch(() => this.#mix());
    session.watchNotices((notice) => this.#notice(notice));
  }

  get mixedAudioTrack(): MediaStreamTrack | undefined {
    return this.#mixed?.track;
  }

  /** The connection failed. ICE is restarted once; if that does not help either, the call is over. */
  failed(): void {
    if (this.#restarting) {
      this.broken(new RoomError("media_failed", "the media connection failed and could not be restarted"));
      return;
    }
    this.#restarting = true;
    this.#session.log.info("the media connection failed; restarting ICE");
    this.#media.restartIce();
    this.#media
      .negotiate(
        () => true,
        (sdp) => this.#offer(sdp),
      )
      .catch((cause: unknown) => {
        this.broken(new RoomError("media_failed", "ICE could not be restarted", { cause }));
      });
  }

  /** Offers the line for data, for those whose offers have no other. */
  offerData(): void {
    this.#media
      .negotiate(
        () => this.lossy !== undefined,
        (sdp) => this.#offer(sdp),
      )
      .catch((error: unknown) => this.#session.log.debug("lossy data cannot be sent", error));
  }

  async #offer(sdp: string): Promise<string> {
    return (await this.#session.channel.request("offer", { sdp })).sdp;
  }

  connected(): void {
    this.#restarting = false;
  }

  broken(error: RoomError): void {
    if (this.#session.ending) return;
    this.#session.fail(error);
    const reason = error.code === "timed_out" ? "timed_out" : "network_error";
    void this.#session.end(ending(reason, error.code, error.message, error));
  }

  #notice(notice: Notice): void {
    if (notice.type === "lines_wanted") this.subscriber.linesWanted(notice.audio, notice.video);
    else if (notice.type === "receive") this.#assign(notice.lines);
    else if (notice.type === "stream_unpublished") this.publisher.withdrawn(notice.stream_id);
  }

  #assign(lines: ReceiveLine[]): void {
    this.subscriber.assign(lines);
    this.#mix();
  }

  #mix(): void {
    const { status, streams } = this.#session.state;
    if (!this.#mixed || status !== "connected") return;
    const tracks = new Set<MediaStreamTrack>();
    for (const [streamId, track] of this.subscriber.mixTracks()) if (streams.has(streamId)) tracks.add(track);
    this.#mixed.mix(tracks);
  }
}
