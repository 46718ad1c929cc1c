import type { Encryption } from "./e2ee/encryption.js";
import type { LogFunction, Logger, LogLevel } from "./log.js";
import type { Stream } from "./state.js";

/** How a room behaves when its connection is lost. */
export interface ReconnectOptions {
  /** Shows `reconnecting` as the status of the state meanwhile. Off by default: the status stays `connected`. */
  status?: boolean;
  /** For how many seconds, while the page is awake, the room tries before it is `disconnected`; 120 by default. */
  giveUpAfter?: number;
}

/** What `initialize` takes. */
export interface InitializeConfig {
  /** The room's UUID. */
  roomId: string;
  /** A client join token of that room. */
  clientToken: string;
  /** The application's own string about this participant, shown to everyone in the room; 4 KiB of UTF-8 at the most. */
  context?: string;
  /** Allows `sendMessage` and `message_received`. */
  enableMessages?: boolean;
  /**
   * `false`: no `mixedAudioTrack` in the state, and no sound is received but of streams that are subscribed with audio. Meant for
   * applications that play each stream's own track. True by default: everybody is heard in the mix.
   */
  mixedAudio?: boolean;
  /**
   * The SDK plays everybody's sound by itself: the mix, or with `mixedAudio: false` each stream that is subscribed with audio. Off by default:
   * the application plays the tracks of the state.
   */
  playAudio?: boolean;
  /** Valid for the whole page. */
  logLevel?: LogLevel;
  /** Takes the log lines of this room instead of the console: an object like `console`, or one function for records. */
  logger?: Logger | LogFunction;
  /**
   * Subscribes remote streams without a call for each: `true` for all, with audio and video, or a function that gives what to receive of a
   * stream, and nothing for one that is to be left alone. It is asked once for each stream; what fails is told by the event `error`.
   * Off by default.
   */
  autoSubscribe?: boolean | ((stream: Stream) => SubscriptionConfig | null | undefined);
  /** `https://host[:port][/path]` of the Rotunda server. The page's own origin by default. */
  serverUrl?: string;
  /** Encrypts what is sent and decrypts what is received, so that the server can neither see nor hear it. Everybody needs the same secrets. */
  encryption?: Encryption;
  /** Used instead of the ICE servers the server names. */
  iceServers?: RTCIceServer[];
  /** `relay` sends all media through TURN. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** `false`: the loss of the connection ends the room. By default it reconnects. */
  reconnect?: boolean | ReconnectOptions;
  /**
   * `false`: does not tell the server what this client measures of its media: bit rates, loss, freezes, kind of path. By default it does every
   * 10 s while the page is seen, if the server asks for it.
   */
  reportQuality?: boolean;
  /** Called when four fifths of the token's remaining life are over; the token it gives takes its place. Also when a token expired while the connection was lost. */
  tokenProvider?: () => string | Promise<string>;
}

/** How a video track is sent. Decided when its stream is added; `updateStream` may change all but the first and the codec. */
export interface VideoPublishOptions {
  /**
   * Sends up to three sizes, so that each subscriber gets one that suits it: VP8 and H264 as so many streams, VP9 and AV1 as spatial layers of
   * one. Off by default.
   */
  enableSimulcast?: boolean;
  /** Bits per second of the largest size; of all sizes together with VP9 and AV1. By default what the size of the picture needs. */
  maxBitrate?: number;
  /** `detail` or `text` for screens (the default for captured displays), `motion` for films and games. */
  contentHint?: "" | "motion" | "detail" | "text";
  /**
   * The codec to prefer. A browser that cannot send it takes what comes next: VP9 in place of AV1, and VP8 in place of any. By default
   * the browser's choice, mostly VP8.
   */
  codec?: VideoCodec;
}

/** How an audio track is sent. Decided when its stream is added; `updateStream` may change `maxBitrate` alone. */
export interface AudioPublishOptions {
  /** Sends next to nothing in silence. On by default; turn it off for music. */
  dtx?: boolean;
  /** Sends each packet twice, so that single losses are not heard, at twice the bits. On by default. */
  red?: boolean;
  /** Sends two channels, for sources that have two. Off by default. */
  stereo?: boolean;
  /** Bits per second, without what `red` adds. By default the browser's choice: 32,000, and 64,000 in stereo. */
  maxBitrate?: number;
}

/** The codecs of video that servers forward. */
export type VideoCodec = "vp8" | "h264" | "vp9" | "av1";

/** The tracks of a stream. What is left out sends nothing and can be added later by `updateStream`. */
export interface StreamTracks {
  audio?: MediaStreamTrack | { track?: MediaStreamTrack; options?: AudioPublishOptions };
  video?: MediaStreamTrack | { track?: MediaStreamTrack; options?: VideoPublishOptions };
}

/** Which kinds of a stream to receive, and how large. */
export interface SubscriptionConfig {
  audio: boolean;
  video: boolean;
  /** The best simulcast size wanted; `high` by default. Without simulcast there is only one. */
  quality?: "low" | "medium" | "high";
  /**
   * The device pixels at which the picture is shown, 1 to 65535: no larger one is sent than the smallest that covers them. `attachVideo` tells them
   * by itself; what is given here holds instead.
   */
  maxWidth?: number;
  maxHeight?: number;
}
