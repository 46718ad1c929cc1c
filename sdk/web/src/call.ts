import { ActivityMonitor } from "./activity.js";
import type { Encryption } from "./e2ee/encryption.js";
import { RoomError } from "./errors.js";
import { type ConnectionListener, MediaConnection } from "./media/connection.js";
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
  readonly #session: Session;
  readonly #media: MediaConnection;
  readonly #mixed: MixedAudio | undefined;
  #restarting = false;

  /** `mayReceive` is what the token says, `mixes` whether the application wants a mix. */
  constructor(
    session: Session,
    configuration: RTCConfiguration,
    mayReceive: boolean,
    mixes: boolean,
    encryption?: Encryption,
  ) {
    this.#session = session;
    this.#media = new MediaConnection(configuration, this, session.log, encryption);
    session.onEnd(() => this.#media.close());
    if (mixes) this.#mixed = new MixedAudio(session.log);
    session.onEnd(() => this.#mixed?.close());
    this.publisher = new Publisher(session, this.#media);
    this.subscriber = new Subscriber(session, this.#media, mayReceive, mixes);
    const activity = new ActivityMonitor(session, this.publisher, this.subscriber, this.#mixed);
    session.onEnd(() => activity.stop());
    session.watch(() => this.#mix());
    session.watchNotices((notice) => this.#notice(notice));
  }

  get mixedAudio(): MixedAudio | undefined {
    return this.#mixed;
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
        async (sdp) => (await this.#session.channel.request("offer", { sdp })).sdp,
      )
      .catch((cause: unknown) => {
        this.broken(new RoomError("media_failed", "ICE could not be restarted", { cause }));
      });
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
