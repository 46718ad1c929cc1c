import {
  type AudioPublishOptions,
  type DataOptions,
  Encryption,
  type Events,
  type InitializeConfig,
  initialize,
  LocalMedia,
  type Message,
  type Room,
  RoomError,
  type State,
  type SubscriptionConfig,
  type VideoPublishOptions,
} from "@rotunda/video";
import { flashes } from "./flash.js";
import { type Flow, FrameWatch } from "./frames.js";
import { look, type Picture, screenOf } from "./picture.js";
import { Ear, type Tone } from "./sound.js";

/** An event of the room as a test sees it, without the state. */
export interface Told {
  event: keyof Events;
  args: unknown[];
  /** `Date.now()` */
  at: number;
}

/** What the state says about a stream. */
export interface StreamSummary {
  id: string;
  audio: boolean;
  video: boolean;
  /** A moderator holds the audio back. */
  censored: boolean;
  configured: boolean;
}

/** Data as a test sees it: its length, and its first and last byte. */
export interface Received {
  from: string;
  topic: string;
  reliable: boolean;
  isPrivate: boolean;
  length: number;
  ends: [number | undefined, number | undefined];
}

export interface StateSummary {
  status: State["status"];
  self: string;
  /** Context by participant id. */
  contexts: Record<string, string | undefined>;
  /** By `participant id/key`. */
  streams: Record<string, StreamSummary>;
  /** `participant id/key` of what is subscribed. */
  subscriptions: string[];
}

export type Outcome<T> = { value: T } | { refused: { code: string; message: string } };

/** One browser page of an application, worked by a test from outside. */
export class Rig {
  readonly told: Told[] = [];
  readonly dataReceived: Received[] = [];
  /** The close codes of signalling sockets. */
  readonly closes: number[] = [];
  /** The user's devices, as the SDK captures them. */
  readonly media = new LocalMedia({ camera: { width: { ideal: 640 }, height: { ideal: 360 } } });
  readonly #connections: RTCPeerConnection[] = [];
  readonly #played: HTMLAudioElement[] = [];
  readonly #videos = new Map<MediaStreamTrack, HTMLVideoElement>();
  #shown: HTMLVideoElement | undefined;
  readonly #watches = new Map<MediaStreamTrack, FrameWatch>();
  readonly #ears = new Map<MediaStreamTrack, Ear>();
  readonly #sides = new Map<MediaStreamTrack, Ear[]>();
  readonly #own: Record<string, { audio?: MediaStreamTrack; video?: MediaStreamTrack }> = {};
  /** The kinds of which something could not be decrypted. */
  readonly unreadable = new Set<string>();
  #encryption: Encryption | undefined;
  #hearing: AudioContext | undefined;
  #longestFreeze = 0;
  #room: Room | undefined;

  constructor() {
    const { closes } = this;
    const connections = this.#connections;
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
    const played = this.#played;
    globalThis.Audio = class extends Audio {
      constructor() {
        super();
        played.push(this);
      }
    };
    globalThis.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("close", ({ code }) => closes.push(code));
      }
    };
  }

  /** Calls one of the methods below, and brings its refusal in a form that leaves the page. */
  async attempt<T>(work: (rig: Rig) => T | Promise<T>): Promise<Outcome<T>> {
    try {
      return { value: await work(this) };
    } catch (error) {
      if (!(error instanceof RoomError)) throw error;
      return { refused: { code: error.code, message: error.message } };
    }
  }

  setSecret(index: number, fill: number): void {
    this.#encryption?.setSecret(index, new Uint8Array(32).fill(fill));
  }

  get room(): Room {
    if (!this.#room) throw new Error("no room was initialized in this page");
    return this.#room;
  }

  /** With `secret`, a byte that fills it, what is sent and received is encrypted end to end. */
  async initialize({ secret, ...config }: InitializeConfig & { secret?: number }): Promise<string> {
    if (secret !== undefined) {
      this.#encryption = new Encryption(new Worker("/sdk/e2ee-worker.js"));
      this.#encryption.onUnreadable((kind) => this.unreadable.add(kind));
      this.setSecret(0, secret);
    }
    const room = await initialize({ ...config, encryption: this.#encryption });
    this.#room = room;
    const events = [
      "connected",
      "disconnected",
      "reconnecting",
      "reconnected",
      "participant_connection_changed",
      "participant_joined",
      "participant_leaving",
      "participant_left",
      "stream_published",
      "stream_unpublished",
      "recording_changed",
      "track_enabled",
      "track_disabled",
      "local_track_ended",
      "audio_blocked_changed",
      "track_censored",
      "track_uncensored",
      "audio_activity",
      "audio_activity_ended",
      "dominant_speaker_changed",
      "subscription_started",
      "subscription_reconfigured",
      "subscription_ended",
      "message_received",
      "error",
    ] as const;
    for (const event of events) {
      room.on(event, (...args: unknown[]) => {
        const plain = args.slice(0, -1).map((arg) => (arg instanceof Error ? String(arg) : arg));
        this.told.push({ event, args: plain, at: Date.now() });
      });
    }
    room.on("data_received", (from, { data, ...message }) => {
      this.dataReceived.push({ from, ...message, length: data.length, ends: [data[0], data.at(-1)] });
    });
    return room.getLocalParticipant().id;
  }

  summary(): StateSummary {
    const state = this.room.getState();
    const named = [...state.streams.values()].map((stream) => [
      `${stream.participantId}/${stream.key}`,
      {
        id: stream.id,
        audio: stream.isAudioEnabled,
        video: stream.isVideoEnabled,
        censored: stream.isAudioCensored,
        configured: stream.isConfigured,
      },
    ]);
    return {
      status: state.status,
      self: state.localParticipantId,
      contexts: Object.fromEntries([...state.participants].map(([id, { context }]) => [id, context])),
      streams: Object.fromEntries(named),
      subscriptions: [...state.subscriptions].flatMap(([id, byKey]) =>
        [...byKey.keys()].map((key) => `${id}/${key}`),
      ),
    };
  }

  /** Publishes camera and microphone as `self`. */
  async publishCamera(
    size: { width: number; height: number },
    options: VideoPublishOptions = {},
    audioOptions: AudioPublishOptions = {},
  ): Promise<void> {
    const media = await navigator.mediaDevices.getUserMedia({
      video: { width: { exact: size.width }, height: { exact: size.height } },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const [audio] = media.getAudioTracks();
    const [video] = media.getVideoTracks();
    this.#own.self = { audio, video };
    await this.room.addStream("self", {
      audio: { track: audio, options: audioOptions },
      video: { track: video, options },
    });
  }

  /** Publishes as `self` a picture and a sound made here, in step: every second a white flash and a beep, for 200 ms. */
  async publishFlashes(): Promise<void> {
    const { audio, video } = await flashes();
    this.#own.self = { audio, video };
    await this.room.addStream("self", { audio, video: { track: video } });
  }

  /** Publishes as `self` a sound made here: one pitch on the left, another on the right. */
  async publishStereo(left: number, right: number, options: AudioPublishOptions): Promise<void> {
    const context = new AudioContext({ sampleRate: 48_000 });
    const merger = context.createChannelMerger(2);
    for (const [channel, frequency] of [left, right].entries()) {
      const tone = new OscillatorNode(context, { frequency });
      tone.connect(merger, 0, channel);
      tone.start();
    }
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
    merger.connect(destination);
    const [track] = destination.stream.getAudioTracks();
    this.#own.self = { audio: track };
    await this.room.addStream("self", { audio: { track, options } });
  }

  /** Limits the bits of the sound of `self`. */
  async limitSound(maxBitrate: number): Promise<void> {
    const { audio, video } = this.#own.self ?? {};
    await this.room.updateStream("self", { audio: { track: audio, options: { maxBitrate } }, video });
  }

  /** Switches a track of `self` and says so, as an application does. */
  async switch(kind: "audio" | "video", on: boolean): Promise<void> {
    const { audio, video } = this.#own.self ?? {};
    const track = kind === "audio" ? audio : video;
    if (!track) throw new Error(`no ${kind} is published`);
    track.enabled = on;
    await this.room.updateStream("self", { audio, video });
  }

  /** Switches the microphone back on without a word to the server. */
  cheat(): void {
    const { audio } = this.#own.self ?? {};
    if (audio) audio.enabled = true;
  }

  /** Publishes what the SDK captures: camera and microphone, and later the screen. */
  async publishMedia(): Promise<void> {
    await this.media.open();
    this.media.publish(this.room, { onError: (error) => console.error(error.code) });
  }

  /** How many audio elements play aloud. */
  playing(): number {
    return this.#played.filter((player) => !player.paused && !player.muted && player.srcObject).length;
  }

  /** Ends the camera's track as a device does that is pulled out. */
  pullCamera(): void {
    const track = this.#own.self?.video;
    track?.stop();
    // A page's own `stop` fires no event; a device that goes away does.
    track?.dispatchEvent(new Event("ended"));
  }

  /** Closes the camera, or opens it again. */
  async camera(on: boolean): Promise<void> {
    const own = this.#own.self;
    if (!own) throw new Error("no camera is published");
    const settings = own.video?.getSettings();
    own.video?.stop();
    own.video = undefined;
    if (on) {
      const media = await navigator.mediaDevices.getUserMedia({
        video: { width: 640, height: 360, ...settings },
      });
      own.video = media.getVideoTracks()[0];
    }
    await this.room.updateStream("self", own);
  }

  /** Shares this very tab as `presentation`. */
  async share(): Promise<void> {
    const media = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
    const [video] = media.getVideoTracks();
    this.#own.presentation = { video };
    await this.room.addStream("presentation", { video });
  }

  async unshare(): Promise<void> {
    this.#own.presentation?.video?.stop();
    await this.room.removeStream("presentation");
  }

  subscribe(participantId: string, key: string, config: SubscriptionConfig): Promise<void> {
    return this.room.addSubscription(participantId, key, config);
  }

  send(payload: string, recipients?: string[]): Promise<string[]> {
    const message: Message = { type: "text", payload };
    return this.room.sendMessage(message, recipients);
  }

  /** Sends so many bytes, counting up from 1. */
  sendData(length: number, options: DataOptions): Promise<string[]> {
    return this.room.sendData(
      Uint8Array.from({ length }, (_, at) => at + 1),
      options,
    );
  }

  /** What the picture of a stream shows now. */
  picture(participantId: string, key: string): Picture | undefined {
    const track = this.room.getParticipantStream(participantId, key)?.videoTrack;
    if (!track) return undefined;
    const video = this.#videos.get(track) ?? screenOf(track);
    this.#videos.set(track, video);
    return look(video);
  }

  /** How the pictures of a stream came since the last call, or since the watch began with the first. */
  flow(participantId: string, key: string): Flow {
    const track = this.room.getParticipantStream(participantId, key)?.videoTrack;
    if (!track) throw new Error("there is no picture to watch");
    const video = this.#videos.get(track) ?? screenOf(track);
    this.#videos.set(track, video);
    const watch = this.#watches.get(track) ?? new FrameWatch(video);
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

  /** The browser's figures of what is received of a stream's video. */
  async received(participantId: string, key: string): Promise<Record<string, unknown>> {
    return (await this.#report(participantId, key, "video", "inbound-rtp")) ?? {};
  }

  /** The browser's figures of each size that is sent of the camera, smallest first. */
  async sent(): Promise<Record<string, unknown>[]> {
    const { senders } = await this.room.getWebRTCStatsForStream(this.room.getLocalParticipant().id, "self");
    const reports = Object.values(senders.video ?? {}) as Record<string, unknown>[];
    return reports.filter(({ type }) => type === "outbound-rtp");
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

  /** What was sent of this client's sound until now. */
  async sentSound(key: string): Promise<{ bytes: number; packets: number }> {
    const { senders } = await this.room.getWebRTCStatsForStream(this.room.getLocalParticipant().id, key);
    const reports = Object.values(senders.audio ?? {}) as Record<string, unknown>[];
    const outbound = reports.find(({ type }) => type === "outbound-rtp");
    return { bytes: Number(outbound?.bytesSent), packets: Number(outbound?.packetsSent) };
  }

  /** How loud a pitch is in the mix of everything subscribed, in dB. */
  mixedLevel(pitch: number): number | undefined {
    const track = this.room.getState().mixedAudioTrack;
    return track && this.#ear(track).levelAt(pitch);
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

  /** How many packets of a stream's audio came over the wire so far. */
  async audioPackets(participantId: string, key: string): Promise<number> {
    const inbound = await this.#report(participantId, key, "audio", "inbound-rtp");
    return (inbound?.packetsReceived as number | undefined) ?? 0;
  }

  /** The codec a stream's pictures arrive in, such as `video/VP8`. */
  async videoCodec(participantId: string, key: string): Promise<string | undefined> {
    const codec = await this.#report(participantId, key, "video", "codec");
    return codec?.mimeType as string | undefined;
  }

  /** The way media goes, of the connection made last. */
  async route(): Promise<{ local: string; relayed?: string; protocol: string; remote: string }> {
    const pc = this.#connections.at(-1);
    const stats = [...((await pc?.getStats()) ?? new Map()).values()];
    const by = (id: unknown) => stats.find((one) => one.id === id);
    const pair = by(stats.find((one) => one.type === "transport")?.selectedCandidatePairId);
    const [local, remote] = [by(pair?.localCandidateId), by(pair?.remoteCandidateId)];
    return {
      local: local?.candidateType,
      relayed: local?.relayProtocol,
      protocol: remote?.protocol,
      remote: remote?.address,
    };
  }

  /** How the media of a stream is encrypted. */
  async srtpCipher(participantId: string, key: string): Promise<string | undefined> {
    const transport = await this.#report(participantId, key, "audio", "transport");
    return transport?.srtpCipher as string | undefined;
  }

  /** The number of lines (m= sections) of each connection that is not closed. */
  lines(): number[] {
    return this.#connections
      .filter((connection) => connection.connectionState !== "closed")
      .map((connection) => connection.localDescription?.sdp.match(/^m=/gm)?.length ?? 0);
  }

  /** How many connections were made so far. */
  connectionCount(): number {
    return this.#connections.length;
  }

  /** Has the connection say that it failed, whatever becomes of it, until there is another. */
  failMedia(): void {
    const [connection] = this.#connections;
    if (!connection) throw new Error("there is no connection");
    Object.defineProperty(connection, "connectionState", { value: "failed", configurable: true });
    const fail = setInterval(() => {
      if (connection.signalingState === "closed") {
        clearInterval(fail);
        Reflect.deleteProperty(connection, "connectionState");
      } else connection.onconnectionstatechange?.(new Event("connectionstatechange"));
    }, 100);
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

declare global {
  var rig: Rig;
}

globalThis.rig = new Rig();
