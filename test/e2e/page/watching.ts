import type { SubscriptionConfig } from "@rotunda/video";
import { type Flow, FrameWatch } from "./frames.js";
import { look, type Picture, screenOf } from "./picture.js";
import { Publishing } from "./publishing.js";
import { Ear, type Tone } from "./sound.js";

/** What is seen and heard of others in this page. */
export class Watching extends Publishing {
  readonly #played: HTMLAudioElement[] = [];
  readonly #videos = new Map<MediaStreamTrack, HTMLVideoElement>();
  #shown: HTMLVideoElement | undefined;
  readonly #watches = new Map<MediaStreamTrack, FrameWatch>();
  readonly #ears = new Map<MediaStreamTrack, Ear>();
  readonly #sides = new Map<MediaStreamTrack, Ear[]>();
  #hearing: AudioContext | undefined;
  #longestFreeze = 0;

  constructor() {
    super();
    const played = this.#played;
    globalThis.Audio = class extends Audio {
      constructor() {
        super();
        played.push(this);
      }
    };
  }

  subscribe(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    return this.room.addSubscription(participantId, key, config);
  }

  /** What the picture of a stream shows now. */
  picture(participantId: string, key: string): Picture | undefined {
    const track = this.room.getParticipantStream(participantId, key)?.videoTrack;
    if (!track) return undefined;
    return look(this.#screen(track));
  }

  /** How the pictures of a stream came since the last call, or since the watch began with the first. */
  flow(participantId: string, key: string): Flow {
    const track = this.room.getParticipantStream(participantId, key)?.videoTrack;
    if (!track) throw new Error("there is no picture to watch");
    const watch = this.#watches.get(track) ?? new FrameWatch(this.#screen(track));
    this.#watches.set(track, watch);
    return watch.take();
  }

  /** Shows a stream in an element of this size, as an application does. 0 is out of sight. */
  show(participantId: string, key: string, width: number, height: number): void {
    const video = this.#shown ?? document.createElement("video");
    if (!this.#shown) {
      video.muted = true;
      document.body.prepend(video);
      this.room.attachVideo(participantId, key, video);
      this.#shown = video;
    }
    Object.assign(video.style, { width: `${width}px`, height: `${height}px` });
  }

  /** How many pictures of a stream were decoded so far. */
  async framesDecoded(participantId: string, key: string): Promise<number> {
    const inbound = await this.#report(participantId, key, "video", "inbound-rtp");
    return (inbound?.framesDecoded as number | undefined) ?? 0;
  }

  /** Begins to take the time between the pictures of a stream. */
  watchFreezes(participantId: string, key: string): void {
    const stream = this.room.getState().participants.get(participantId)?.streams[key];
    const track = this.room.getState().streams.get(stream ?? "")?.videoTrack;
    const video = track && this.#videos.get(track);
    if (!video) throw new Error("nobody looks at this stream");
    let last = performance.now();
    const shown = () => {
      const now = performance.now();
      this.#longestFreeze = Math.max(this.#longestFreeze, now - last);
      last = now;
      video.requestVideoFrameCallback(shown);
    };
    this.#longestFreeze = 0;
    video.requestVideoFrameCallback(shown);
  }

  /** The longest of them since, in milliseconds. */
  longestFreeze(): number {
    return this.#longestFreeze;
  }

  /** The browser's figures of what is received of a stream's video. */
  async received(participantId: string, key: string): Promise<Record<string, unknown>> {
    return (await this.#report(participantId, key, "video", "inbound-rtp")) ?? {};
  }

  /** The codec a stream's pictures arrive in, such as `video/VP8`. */
  async videoCodec(participantId: string, key: string): Promise<string | undefined> {
    const codec = await this.#report(participantId, key, "video", "codec");
    return codec?.mimeType as string | undefined;
  }

  /** How many audio elements play aloud. */
  playing(): number {
    return this.#played.filter((player) => !player.paused && !player.muted && player.srcObject).length;
  }

  /** The loudest tone of a stream. */
  tone(participantId: string, key: string): Tone | undefined {
    const track = this.room.getParticipantStream(participantId, key)?.audioTrack;
    return track && this.#ear(track).loudest();
  }

  /** The level of a pitch on each side of a stream, in dB. */
  sides(participantId: string, key: string, pitch: number): number[] {
    const track = this.room.getParticipantStream(participantId, key)?.audioTrack;
    if (!track) return [];
    this.#hearing ??= new AudioContext({ sampleRate: 48_000 });
    const context = this.#hearing;
    const ears = this.#sides.get(track) ?? [0, 1].map((channel) => new Ear(context, track, channel));
    this.#sides.set(track, ears);
    return ears.map((ear) => ear.levelAt(pitch));
  }

  /** How loud a pitch is in the mix of everything subscribed, in dB. */
  mixedLevel(pitch: number): number | undefined {
    const track = this.room.getState().mixedAudioTrack;
    return track && this.#ear(track).levelAt(pitch);
  }

  /** How many packets of a stream's audio came over the wire so far. */
  async audioPackets(participantId: string, key: string): Promise<number> {
    const inbound = await this.#report(participantId, key, "audio", "inbound-rtp");
    return (inbound?.packetsReceived as number | undefined) ?? 0;
  }

  /** How the media of a stream is encrypted. */
  async srtpCipher(participantId: string, key: string): Promise<string | undefined> {
    const transport = await this.#report(participantId, key, "audio", "transport");
    return transport?.srtpCipher as string | undefined;
  }

  #screen(track: MediaStreamTrack): HTMLVideoElement {
    const video = this.#videos.get(track) ?? screenOf(track);
    this.#videos.set(track, video);
    return video;
  }

  #ear(track: MediaStreamTrack): Ear {
    this.#hearing ??= new AudioContext({ sampleRate: 48_000 });
    const ear = this.#ears.get(track) ?? new Ear(this.#hearing, track);
    this.#ears.set(track, ear);
    return ear;
  }

  async #report(participantId: string, key: string, kind: "audio" | "video", type: string) {
    const { receivers } = await this.room.getWebRTCStatsForStream(participantId, key);
    const reports = Object.values(receivers[kind] ?? {}) as Record<string, unknown>[];
    return reports.find((report) => report.type === type);
  }
}
