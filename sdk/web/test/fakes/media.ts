/** Browser media without a browser: enough of the objects for the SDK to work as it does in one. */

export class FakeTrack extends EventTarget {
  static #made = 0;
  readonly id = `track-${++FakeTrack.#made}`;
  enabled = true;
  muted = false;
  readyState = "live";
  listeners = 0;
  contentHint = "";
  stopped = false;
  settings: Record<string, unknown>;
  constructor(
    readonly kind: "audio" | "video",
    settings: Record<string, unknown> = {},
  ) {
    super();
    this.settings = settings;
  }
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
  /** Is silenced by the system, or no longer. */
  mute(muted: boolean): void {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? "mute" : "unmute"));
  }
  /** Ends as a device that is unplugged. */
  end(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
  getSettings(): Record<string, unknown> {
    return this.settings;
  }
  /** What this is a clone of. */
  original: FakeTrack = this;
  clone(): FakeTrack {
    const clone = new FakeTrack(this.kind, this.settings);
    clone.enabled = this.enabled;
    clone.original = this.original;
    FakeTrack.clones.push(clone);
    return clone;
  }
  static clones: FakeTrack[] = [];
  stop(): void {
    this.stopped = true;
    this.readyState = "ended";
  }
}

export const audioTrack = () => new FakeTrack("audio") as unknown as MediaStreamTrack;
export const videoTrack = (settings: Record<string, unknown> = { width: 1280, height: 720 }) =>
  new FakeTrack("video", settings) as unknown as MediaStreamTrack;

type Stats = Record<string, unknown> & { id: string; type: string };

function report(stats: Stats[]): Map<string, Stats> {
  return new Map(stats.map((entry) => [entry.id, entry]));
}

export class FakeSender {
  stats: Stats[] = [];
  encodings: RTCRtpEncodingParameters[];
  constructor(
    public track: MediaStreamTrack | null,
    encodings: RTCRtpEncodingParameters[],
  ) {
    this.encodings = encodings;
  }
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    if (track && (track as unknown as FakeTrack).settings.unsendable) throw new TypeError("unsendable");
    this.track = track;
  }
  getParameters() {
    return { encodings: this.encodings.map((encoding) => ({ ...encoding })) };
  }
  async setParameters({ encodings }: { encodings: RTCRtpEncodingParameters[] }): Promise<void> {
    if (encodings.some((encoding, index) => encoding.rid !== this.encodings[index]?.rid)) {
      throw new Error("InvalidModificationError");
    }
    this.encodings = encodings;
  }
  async getStats() {
    return report(this.stats);
  }
  static getCapabilities(kind: string) {
    return kind === "audio"
      ? { codecs: [{ mimeType: "audio/opus" }, { mimeType: "audio/red" }, { mimeType: "audio/PCMU" }] }
      : { codecs: [{ mimeType: "video/VP8" }, { mimeType: "video/rtx" }, { mimeType: "video/H264" }] };
  }
}

export class FakeReceiver {
  static getCapabilities(kind: string) {
    const sdpFmtpLine = "level-asymmetry-allowed=1;packetization-mode=";
    return kind === "audio"
      ? { codecs: [{ mimeType: "audio/opus" }, { mimeType: "audio/red" }, { mimeType: "audio/PCMU" }] }
      : {
          codecs: [
            { mimeType: "video/VP8" },
            { mimeType: "video/rtx" },
            { mimeType: "video/VP9", sdpFmtpLine: "profile-id=0" },
            { mimeType: "video/H264", sdpFmtpLine: `${sdpFmtpLine}1` },
            { mimeType: "video/H264", sdpFmtpLine: `${sdpFmtpLine}0` },
            { mimeType: "video/ulpfec" },
          ],
        };
  }
  stats: Stats[] = [];
  readonly track: MediaStreamTrack;
  constructor(kind: "audio" | "video") {
    this.track = new FakeTrack(kind) as unknown as MediaStreamTrack;
  }
  async getStats() {
    return report(this.stats);
  }
}

export class FakeTransceiver {
  mid: string | null = null;
  stopped = false;
  #direction: string;
  currentDirection: string | null = null;
  readonly sender: FakeSender;
  readonly receiver: FakeReceiver;
  codecs: { mimeType: string; sdpFmtpLine?: string }[] = [];
  constructor(
    readonly kind: "audio" | "video",
    track: MediaStreamTrack | null,
    init: RTCRtpTransceiverInit,
  ) {
    this.#direction = init.direction ?? "sendrecv";
    this.sender = new FakeSender(track, init.sendEncodings ?? [{}]);
    this.receiver = new FakeReceiver(kind);
  }
  get direction(): string {
    return this.stopped ? "stopped" : this.#direction;
  }
  set direction(direction: string) {
    if (this.stopped) throw new DOMException("The peer connection is closed.", "InvalidStateError");
    this.#direction = direction;
  }
  setCodecPreferences(codecs: { mimeType: string; sdpFmtpLine?: string }[]): void {
    this.codecs = codecs;
  }
}

/** A data channel that is open when a test says so. */
export class FakeDataChannel {
  readyState = "connecting";
  bufferedAmount = 0;
  binaryType = "blob";
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: Uint8Array[] = [];
  constructor(
    readonly label: string,
    readonly init: RTCDataChannelInit,
  ) {}
  send(data: Uint8Array): void {
    this.sent.push(data);
  }
}

/** Makes its "sdp" out of the mids and directions of its lines; refuses what a browser refuses. */
export class FakePeerConnection {
  static all: FakePeerConnection[] = [];
  signalingState = "stable";
  connectionState = "new";
  onconnectionstatechange: (() => void) | null = null;
  readonly transceivers: FakeTransceiver[] = [];
  restarts = 0;
  failAnswers = false;
  #nextMid = 0;
  #offered: FakeTransceiver[] = [];

  constructor(public configuration: RTCConfiguration) {
    for (const { urls } of configuration.iceServers ?? []) {
      if (![urls].flat().every((url) => /^(stun|turn)s?:/.test(url))) {
        throw new DOMException(`'${urls}' is not a valid URL.`, "SyntaxError");
      }
    }
    if (!["all", "relay", undefined].includes(configuration.iceTransportPolicy)) {
      throw new TypeError("The provided value is not a valid enum value of type RTCIceTransportPolicy.");
    }
    FakePeerConnection.all.push(this);
  }
  /** What it tells, if that is more than that bytes came. */
  stats: Stats[] = [];
  readonly channels: FakeDataChannel[] = [];
  createDataChannel(label: string, init: RTCDataChannelInit) {
    const channel = new FakeDataChannel(label, init);
    this.channels.push(channel);
    return channel;
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }
  addTransceiver(source: MediaStreamTrack | "audio" | "video", init: RTCRtpTransceiverInit) {
    const isTrack = typeof source !== "string";
    const kind = isTrack ? (source.kind as "audio" | "video") : source;
    const transceiver = new FakeTransceiver(kind, isTrack ? source : null, init);
    this.transceivers.push(transceiver);
    return transceiver;
  }
  getTransceivers() {
    return this.transceivers;
  }
  async createOffer() {
    return { type: "offer", sdp: `offer ${this.getTransceivers().length}` };
  }
  async setLocalDescription({ type }: { type: string }): Promise<void> {
    if (type === "rollback") {
      if (this.signalingState !== "have-local-offer") throw new Error("InvalidStateError");
      for (const transceiver of this.#offered) transceiver.mid = null;
      this.signalingState = "stable";
      return;
    }
    if (this.signalingState !== "stable") throw new Error("InvalidStateError");
    this.#offered = this.getTransceivers().filter((transceiver) => transceiver.mid === null);
    for (const transceiver of this.#offered) transceiver.mid = String(this.#nextMid++);
    this.signalingState = "have-local-offer";
  }
  async setRemoteDescription({ type }: { type: string; sdp: string }): Promise<void> {
    if (this.signalingState !== "have-local-offer" || type !== "answer" || this.failAnswers) {
      throw new Error("OperationError");
    }
    this.signalingState = "stable";
    this.#offered = [];
    for (const transceiver of this.transceivers) transceiver.currentDirection = transceiver.direction;
  }
  restartIce(): void {
    this.restarts++;
  }
  /** How many bytes came. */
  received = 0;
  #flow: ReturnType<typeof setInterval> | undefined;
  /** Packets come, or stop. */
  flow(on: boolean): void {
    clearInterval(this.#flow);
    if (on) this.#flow = setInterval(() => (this.received += 100), 20);
  }
  async getStats() {
    const flow = { id: "T", type: "transport", bytesReceived: this.received };
    return report(this.stats.length > 0 ? this.stats : [flow]);
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  close(): void {
    this.signalingState = "closed";
    this.connectionState = "closed";
    for (const transceiver of this.transceivers) transceiver.stopped = true;
  }
}

class FakeNode {
  connected = false;
  connect(): void {
    this.connected = true;
  }
  disconnect(): void {
    this.connected = false;
  }
}

export class FakeAudioContext {
  static all: FakeAudioContext[] = [];
  state = "suspended";
  onstatechange: (() => void) | null = null;
  readonly sources: { stream: FakeStream; node: FakeNode }[] = [];
  readonly mixed = new FakeStream([audioTrack()]);
  constructor() {
    FakeAudioContext.all.push(this);
  }
  createMediaStreamDestination() {
    return { stream: this.mixed };
  }
  createMediaStreamSource(stream: FakeStream) {
    const node = new FakeNode();
    this.sources.push({ stream, node });
    return node;
  }
  /** The tracks that can be heard in the mix; of clones, what they are clones of. */
  heard(): MediaStreamTrack[] {
    const tracks = this.sources
      .filter(({ node }) => node.connected)
      .flatMap(({ stream }) => stream.getTracks());
    const audible = (tracks as unknown as FakeTrack[]).filter((track) => track.enabled && !track.stopped);
    return audible.map((track) => track.original as unknown as MediaStreamTrack);
  }
  /** What a browser does that waits for a gesture. */
  static held = false;
  async resume(): Promise<void> {
    if (FakeAudioContext.held) throw new Error("NotAllowedError");
    this.state = "running";
    this.onstatechange?.();
  }
  async close(): Promise<void> {
    this.state = "closed";
  }
}

export class FakeStream {
  constructor(readonly tracks: MediaStreamTrack[]) {}
  getTracks() {
    return this.tracks;
  }
  getVideoTracks() {
    return this.tracks.filter((track) => track.kind === "video");
  }
  getAudioTracks() {
    return this.tracks.filter((track) => track.kind === "audio");
  }
}

export class FakeAudio {
  static all: FakeAudio[] = [];
  static held = false;
  static outputs = new Set<string>(["", "desk"]);
  muted = false;
  autoplay = false;
  paused = true;
  sinkId = "";
  srcObject: { getTracks(): MediaStreamTrack[] } | null = null;
  constructor() {
    FakeAudio.all.push(this);
  }
  async play(): Promise<void> {
    if (FakeAudio.held && !this.muted) throw new DOMException("held back", "NotAllowedError");
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
  async setSinkId(id: string): Promise<void> {
    if (!FakeAudio.outputs.has(id)) throw new DOMException("no such device", "NotFoundError");
    this.sinkId = id;
  }
  /** The tracks that this page plays aloud. */
  static heard(): MediaStreamTrack[] {
    const playing = FakeAudio.all.filter(({ muted, paused, srcObject }) => !muted && !paused && srcObject);
    return playing.flatMap(({ srcObject }) => srcObject?.getTracks() ?? []);
  }
}
