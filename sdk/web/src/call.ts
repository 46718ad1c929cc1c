import { ActivityMonitor } from "./activity.js";
import { RoomError } from "./errors.js";
import { type ConnectionListener, MediaConnection } from "./media/connection.js";
import { MixedAudio } from "./media/mixed-audio.js";
import { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import type { Notice } from "./signal/frames.js";
import { ending } from "./signal/refusals.js";
import type { State } from "./state.js";
import { Subscriber } from "./subscriber.js";

/** The media of a room, from `connect()` to the end of the session. */
export class Call implements ConnectionListener {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly #session: Session;
  readonly #media: MediaConnection;
  readonly #mixed: MixedAudio;
  #restarting = false;

  constructor(session: Session, configuration: RTCConfiguration) {
    this.#session = session;
    this.#media = new MediaConnection(configuration, this, session.log);
    session.onEnd(() => this.#media.close());
    this.#mixed = new MixedAudio(session.log);
    session.onEnd(() => this.#mixed.close());
    this.publisher = new Publisher(session, this.#media);
    this.subscriber = new Subscriber(session, this.#media);
    const activity = new ActivityMonitor(session, this.publisher, this.subscriber, this.#mixed);
    session.onEnd(() => activity.stop());
    session.watch((state) => this.#mix(state));
    session.watchNotices((notice) => this.#notice(notice));
  }

  get mixedAudioTrack(): MediaStreamTrack {
    return this.#mixed.track;
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
    else if (notice.type === "receive") this.subscriber.assign(notice.lines);
    else if (notice.type === "stream_unpublished") this.publisher.withdrawn(notice.stream_id);
  }

  #mix(state: State): void {
    if (state.status !== "connected") return;
    const tracks = new Set<MediaStreamTrack>();
    for (const stream of state.streams.values()) {
      if (stream.origin === "remote" && stream.audioTrack) tracks.add(stream.audioTrack);
    }
    this.#mixed.mix(tracks);
  }
}
