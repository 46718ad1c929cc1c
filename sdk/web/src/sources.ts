import { RoomError } from "./errors.js";
import type { AudioPublishOptions, StreamTracks, VideoPublishOptions } from "./options.js";
import type { SentTracks } from "./reducer/change.js";

/** What an application asked to send, in one form. */
export interface Sources {
  audio?: MediaStreamTrack;
  video?: MediaStreamTrack;
  options: VideoPublishOptions;
  audioOptions: AudioPublishOptions;
}

/** Throws `invalid_argument` if that is nothing that can be sent. */
export function readTracks(tracks: StreamTracks): Sources {
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

/** What others are told of it. */
export function sentTracks({ audio, video }: Sources): SentTracks {
  return {
    audioTrack: audio,
    videoTrack: video,
    isAudioEnabled: audio?.enabled ?? false,
    isVideoEnabled: video?.enabled ?? false,
  };
}

/** A captured screen is there to be read, unless the application said otherwise. */
export function hint(track: MediaStreamTrack | undefined, { contentHint }: VideoPublishOptions): void {
  if (!track) return;
  const isScreen = track.getSettings().displaySurface !== undefined;
  if (contentHint !== undefined) track.contentHint = contentHint;
  else if (isScreen && track.contentHint === "") track.contentHint = "detail";
}
