import { RoomError } from "./errors.js";
import type { MediaConnection } from "./media/connection.js";
import {
  audioShape,
  isNegotiated,
  type SendLine,
  SendLines,
  sendOver,
  videoShape,
} from "./media/send-lines.js";
import type { AudioPublishOptions, StreamTracks, VideoPublishOptions } from "./options.js";
import type { SentTracks } from "./reducer.js";
import type { Session } from "./session.js";
import type { MovedStream } from "./signal/frames.js";
import type { Stream, TrackKind } from "./state.js";

/** What an application asked to send, in one form. */
interface Sources {
  audio?: MediaStreamTrack;
  video?: MediaStreamTrack;
  options: VideoPublishOptions;
  audioOptions: AudioPublishOptions;
}

/** A stream of this client, from the call of `addStream` on. */
interface LocalStream {
  key: string;
  id?: string;
  lines?: Record<TrackKind, SendLine>;
  sources: Sources;
  /** The operations on one stream happen one after another. */
  tail?: Promise<unknown>;
}

/** Publishes the streams of this client. */
export class Publisher {
  readonly #session: Session;
  #media: MediaConnection;
  #lines: SendLines;
  readonly #requireSealed: () => void;
  readonly #streams = new Map<string, LocalStream>();

  /** `requireSealed` throws where nothing may be sent for want of encryption. */
  constructor(session: Session, media: MediaConnection, requireSealed: () => void) {
    this.#session = session;
    this.#requireSealed = requireSealed;
    this.#media = media;
    this.#lines = new SendLines(media);
  }

  add(key: string, tracks: StreamTracks): Promise<void> {
    if (this.#streams.has(key)) {
      throw new RoomError("key_in_use", `a stream is published under the key ${JSON.stringify(key)} already`);
    }
    const stream: LocalStream = { key, sources: readTracks(tracks) };
    this.#streams.set(key, stream);
    return this.#inTurn(stream, async () => {
      try {
        await this.#publish(stream);
      } catch (error) {
        this.#forget(stream);
        throw error;
      }
    });
  }

  update(key: string, tracks: StreamTracks): Promise<void> {
    const stream = this.#require(key);
    const sources = readTracks(tracks);
    return this.#inTurn(stream, async () => {
      this.#requireSame(stream);
      await this.#replace(stream, {
        ...sources,
        options: { ...stream.sources.options, ...sources.options },
        audioOptions: { ...stream.sources.audioOptions, ...sources.audioOptions },
      });
    });
  }

  remove(key: string): Promise<void> {
    const stream = this.#require(key);
    return this.#inTurn(stream, async () => {
      this.#requireSame(stream);
      const streamId = stream.id as string;
      await this.#session.channel.request("unpublish", { stream_id: streamId }, () =>
        this.withdrawn(streamId),
      );
    });
  }

  /** Has everything that is published sent over another connection: `open` opens the lines for that, `streams` says which they are. */
  move(media: MediaConnection): { open(): void; streams(): MovedStream[] } {
    this.#media = media;
    const lines = new SendLines(media);
    this.#lines = lines;
    const published = [...this.#streams.values()].filter((stream) => stream.id !== undefined);
    return {
      open: () => {
        for (const stream of published) {
          const { audio, video, options, audioOptions } = stream.sources;
          stream.lines = {
            audio: lines.open(audioShape(audioOptions), audio, audioOptions.maxBitrate),
            video: lines.open(videoShape(video, options), video, options.maxBitrate),
          };
        }
      },
      streams: () =>
        published.map(({ id, lines }) => ({
          stream_id: id as string,
          audio: { mid: lines?.audio.transceiver.mid as string },
          video: { mid: lines?.video.transceiver.mid as string },
        })),
    };
  }

  /** Publishes everything again, over another connection. What was under way is rejected by whoever lost the first. */
  renew(media: MediaConnection): void {
    this.#media = media;
    this.#lines = new SendLines(media);
    for (const stream of this.#streams.values()) {
      if (stream.id === undefined) continue;
      stream.id = stream.lines = undefined;
      this.#inTurn(stream, async () => {
        try {
          await this.#publish(stream);
        } catch (error) {
          this.#forget(stream);
          throw error;
        }
      }).catch((cause: unknown) => {
        if (this.#session.ending) return;
        const message = `${stream.key}: the stream could not be published again`;
        this.#session.fail(new RoomError("media_failed", message, { cause }));
      });
    }
  }

  /** Switches a kind off whose track ended by itself, unless another track took its place. Says whether it did. */
  async trackEnded(key: string, kind: TrackKind, track: MediaStreamTrack): Promise<boolean> {
    const stream = this.#streams.get(key);
    if (!stream) return false;
    let dropped = false;
    await this.#inTurn(stream, async () => {
      if (this.#streams.get(key) !== stream || stream.sources[kind] !== track) return;
      await this.#replace(stream, { ...stream.sources, [kind]: undefined });
      dropped = true;
    });
    return dropped;
  }

  /** A stream of this client is not published any more. */
  withdrawn(streamId: string): void {
    const stream = [...this.#streams.values()].find((candidate) => candidate.id === streamId);
    if (!stream) return;
    this.#forget(stream);
    this.#session.apply({ type: "local_stream_removed", streamId });
  }

  /** Forgets the streams that the server no longer has. */
  keepOnly(streamIds: ReadonlySet<string>): void {
    for (const { id } of [...this.#streams.values()]) {
      if (id !== undefined && !streamIds.has(id)) this.withdrawn(id);
    }
  }

  /** Sends no more sizes of a stream than somebody takes, counted from the smallest. */
  layersWanted(streamId: string, layers: number): void {
    const stream = [...this.#streams.values()].find((candidate) => candidate.id === streamId);
    if (!stream?.lines) return;
    const { video: line } = stream.lines;
    line.wanted = layers;
    this.#inTurn(stream, async () => {
      if (stream.lines?.video !== line) return;
      await sendOver(line, stream.sources.video, stream.sources.options.maxBitrate);
    }).catch((error: unknown) => this.#session.log.debug(`${stream.key}: layers stay as they are`, error));
  }

  /** What sends a kind of a stream. */
  sender(streamId: string, kind: TrackKind): RTCRtpSender | undefined {
    for (const stream of this.#streams.values()) {
      if (stream.id === streamId) return stream.lines?.[kind].transceiver.sender;
    }
    return undefined;
  }

  async #publish(stream: LocalStream): Promise<void> {
    this.#requireSealed();
    const { audio, video, options, audioOptions } = stream.sources;
    hint(video, options);
    const lines = this.#lines;
    const shapes = { audio: audioShape(audioOptions), video: videoShape(video, options) };
    const idle = { audio: lines.take(shapes.audio), video: lines.take(shapes.video) };
    const held = Object.values(idle).filter((line) => line !== undefined);
    try {
      if (idle.audio) await sendOver(idle.audio, audio, audioOptions.maxBitrate);
      if (idle.video) await sendOver(idle.video, video, options.maxBitrate);
      if (held.length === 2 && held.every(isNegotiated)) {
        stream.lines = idle as Record<TrackKind, SendLine>;
        await this.#announce(stream);
      } else {
        await this.#negotiate(stream, () => {
          const audioLine = idle.audio ?? lines.open(shapes.audio, audio, audioOptions.maxBitrate);
          if (!idle.audio) held.push(audioLine);
          const videoLine = idle.video ?? lines.open(shapes.video, video, options.maxBitrate);
          if (!idle.video) held.push(videoLine);
          stream.lines = { audio: audioLine, video: videoLine };
          return true;
        });
      }
    } catch (error) {
      stream.lines = undefined;
      for (const line of held) lines.release(line);
      throw error;
    }
    this.#session.apply({ type: "local_stream_configured", streamId: stream.id as string });
  }

  async #negotiate(stream: LocalStream, prepare: () => boolean): Promise<void> {
    await this.#media.negotiate(prepare, async (sdp) => {
      const reply = await this.#announce(stream, sdp);
      if (!reply.sdp) throw new RoomError("media_failed", "the server gave no answer to an offer");
      return reply.sdp;
    });
  }

  #announce(stream: LocalStream, sdp?: string) {
    const lines = stream.lines as Record<TrackKind, SendLine>;
    const tracks = sentTracks(stream.sources);
    return this.#session.channel.request(
      "publish",
      {
        key: stream.key,
        audio: { mid: lines.audio.transceiver.mid as string, enabled: tracks.isAudioEnabled },
        video: { mid: lines.video.transceiver.mid as string, enabled: tracks.isVideoEnabled },
        ...(sdp !== undefined && { sdp }),
      },
      ({ stream_id }) => {
        stream.id = stream_id;
        this.#session.apply({ type: "local_stream_added", streamId: stream_id, key: stream.key, tracks });
      },
    );
  }

  async #replace(stream: LocalStream, sources: Sources): Promise<void> {
    const before = stream.sources;
    const streamId = stream.id as string;
    const tracks = sentTracks(sources);
    try {
      await this.#send(stream, sources);
      await this.#tellFlags(this.#session.state.streams.get(streamId), tracks);
    } catch (error) {
      if (!this.#session.ending) await this.#send(stream, before);
      throw error;
    }
    stream.sources = sources;
    this.#session.apply({ type: "local_stream_changed", streamId, tracks });
  }

  async #send(stream: LocalStream, { audio, video, options, audioOptions }: Sources): Promise<void> {
    const { lines } = stream;
    hint(video, options);
    if (!lines) return; // the connection is being replaced, which will send what the stream has then
    await sendOver(lines.audio, audio, audioOptions.maxBitrate);
    await sendOver(lines.video, video, options.maxBitrate);
  }

  async #tellFlags(announced: Stream | undefined, tracks: SentTracks): Promise<void> {
    if (!announced) return;
    const audio = announced.isAudioEnabled !== tracks.isAudioEnabled;
    const video = announced.isVideoEnabled !== tracks.isVideoEnabled;
    if (!audio && !video) return;
    await this.#session.channel.request("update_stream", {
      stream_id: announced.id,
      ...(audio && { audio: { enabled: tracks.isAudioEnabled } }),
      ...(video && { video: { enabled: tracks.isVideoEnabled } }),
    });
  }

  #inTurn(stream: LocalStream, operation: () => Promise<void>): Promise<void> {
    // The first one starts at once: it may still go out with the request to join.
    const turn = stream.tail ? stream.tail.then(operation) : operation();
    stream.tail = turn.catch(() => {});
    return turn;
  }

  #require(key: string): LocalStream {
    const stream = this.#streams.get(key);
    if (!stream) throw noStream(key);
    return stream;
  }

  /** The stream may have gone while the operation waited for its turn. */
  #requireSame(stream: LocalStream): void {
    if (this.#streams.get(stream.key) !== stream) throw noStream(stream.key);
  }

  #forget(stream: LocalStream): void {
    if (this.#streams.get(stream.key) === stream) this.#streams.delete(stream.key);
    if (stream.lines) for (const line of Object.values(stream.lines)) this.#lines.release(line);
    stream.lines = undefined;
  }
}

function noStream(key: string): RoomError {
  return new RoomError("stream_not_found", `no stream is published under the key ${JSON.stringify(key)}`);
}

function readTracks(tracks: StreamTracks): Sources {
  const { audio, video } = tracks;
  const options = (isTrack(video) ? undefined : video?.options) ?? {};
  const audioOptions = (isTrack(audio) ? undefined : audio?.options) ?? {};
  const sources = { audio: trackOf(audio), video: trackOf(video), options, audioOptions };
  for (const kind of ["audio", "video"] as const) {
    const track = sources[kind];
    if (track !== undefined && (!isTrack(track) || track.kind !== kind)) {
      throw new RoomError("invalid_argument", `${kind} must be a MediaStreamTrack of kind ${kind}`);
    }
  }
  for (const { maxBitrate } of [options, audioOptions]) {
    if (maxBitrate !== undefined && !(Number.isFinite(maxBitrate) && maxBitrate > 0)) {
      throw new RoomError("invalid_argument", "maxBitrate must be a positive number of bits per second");
    }
  }
  const { codec } = options;
  if (codec !== undefined && !["vp8", "h264", "vp9", "av1"].includes(codec)) {
    throw new RoomError("invalid_argument", 'codec must be "vp8", "h264", "vp9" or "av1"');
  }
  return sources;
}

/** The track of what is given for a kind. */
export function trackOf(
  source: MediaStreamTrack | { track?: MediaStreamTrack } | undefined,
): MediaStreamTrack | undefined {
  return isTrack(source) ? source : (source?.track ?? undefined);
}

function isTrack(value: unknown): value is MediaStreamTrack {
  return typeof value === "object" && value !== null && "kind" in value && "enabled" in value;
}

function sentTracks({ audio, video }: Sources): SentTracks {
  return {
    audioTrack: audio,
    videoTrack: video,
    isAudioEnabled: audio?.enabled ?? false,
    isVideoEnabled: video?.enabled ?? false,
  };
}

/** A captured screen is there to be read, unless the application said otherwise. */
function hint(track: MediaStreamTrack | undefined, { contentHint }: VideoPublishOptions): void {
  if (!track) return;
  const isScreen = track.getSettings().displaySurface !== undefined;
  if (contentHint !== undefined) track.contentHint = contentHint;
  else if (isScreen && track.contentHint === "") track.contentHint = "detail";
}
