import type { RoomError } from "../errors.js";
import type { ReceivedTracks } from "../reducer/change.js";
import type { ReceiveLine } from "../signal/frames.js";
import type { TrackKind } from "../state.js";
import { describeFrames, received } from "./codecs.js";
import type { MediaConnection } from "./connection.js";

interface Line {
  kind: TrackKind;
  transceiver: RTCRtpTransceiver;
  /** A track of its own for the mix: what the application does to the receiver's is not heard there. */
  mixTrack?: MediaStreamTrack;
}

/** Narrows a line down to the codecs that servers forward, if the browser can. */
function narrow(transceiver: RTCRtpTransceiver, kind: TrackKind): void {
  const codecs = received(kind);
  if (codecs.length > 0) transceiver.setCodecPreferences?.(codecs);
  if (kind === "video") describeFrames(transceiver);
}

/** The lines this client receives on. They are opened as they are needed and never closed. */
export class ReceiveLines {
  readonly #media: MediaConnection;
  readonly #offer: (sdp: string) => Promise<string>;
  readonly #failed: (error: RoomError) => void;
  readonly #mixes: boolean;
  readonly #lines: Line[] = [];
  readonly #wanted: Record<TrackKind, number> = { audio: 0, video: 0 };
  #map: ReceiveLine[] = [];
  #asked = false;

  /** `mixes`: the sound is for a mix too. `offer` brings an offer to the server; `failed` hears why lines could not be opened. */
  constructor(
    media: MediaConnection,
    mixes: boolean,
    offer: (sdp: string) => Promise<string>,
    failed: (error: RoomError) => void,
  ) {
    this.#media = media;
    this.#mixes = mixes;
    this.#offer = offer;
    this.#failed = failed;
  }

  /** Sees to it that there are at least so many lines in all. Calls of one moment lead to one offer. */
  want(audio: number, video: number): void {
    this.#wanted.audio = Math.max(this.#wanted.audio, audio);
    this.#wanted.video = Math.max(this.#wanted.video, video);
    if (this.#asked || !this.#isShort()) return;
    this.#asked = true;
    this.#media
      .negotiate(
        () => this.#openMissing(),
        (sdp) => this.#offer(sdp),
      )
      .catch((error: RoomError) => {
        this.#asked = false;
        this.#failed(error);
      });
  }

  /** Opens so many lines in all along with an offer that is being made. */
  openWith(audio: number, video: number): void {
    this.#wanted.audio = Math.max(this.#wanted.audio, audio);
    this.#wanted.video = Math.max(this.#wanted.video, video);
    this.#openMissing();
  }

  /** Takes the server's word on which line carries what. */
  assign(map: ReceiveLine[]): void {
    this.#map = map;
  }

  /** Forgets what carries a stream, ahead of the server's next word. */
  free(streamId: string): void {
    this.#map = this.#map.filter((line) => line.stream_id !== streamId);
  }

  /** Stream id to the tracks of its lines. */
  tracks(): Map<string, ReceivedTracks> {
    const streams = new Map<string, ReceivedTracks>();
    for (const { stream_id, kind } of this.#map) {
      const track = this.receiver(stream_id, kind)?.track;
      if (track) streams.set(stream_id, { ...streams.get(stream_id), [`${kind}Track`]: track });
    }
    return streams;
  }

  /** Stream id to the track of its sound for the mix. */
  mixTracks(): Map<string, MediaStreamTrack> {
    const tracks = new Map<string, MediaStreamTrack>();
    for (const { stream_id, mid } of this.#map) {
      const track = this.#lines.find((line) => line.transceiver.mid === mid)?.mixTrack;
      if (track) tracks.set(stream_id, track);
    }
    return tracks;
  }

  /**
   * Lets the application hear a stream, or not. Only with a mix: without one, the server sends no sound that was not asked for.
   */
  sound(streamId: string, audible: boolean): void {
    const track = this.receiver(streamId, "audio")?.track;
    if (track && this.#mixes) track.enabled = audible;
  }

  /** Lets go of the tracks for the mix. */
  close(): void {
    for (const { mixTrack } of this.#lines) mixTrack?.stop();
  }

  /** What receives a kind of a stream. */
  receiver(streamId: string, kind: TrackKind): RTCRtpReceiver | undefined {
    const line = this.#map.find((candidate) => candidate.stream_id === streamId && candidate.kind === kind);
    return line && this.#media.transceiver(line.mid)?.receiver;
  }

  #missing(kind: TrackKind): number {
    return Math.max(0, this.#wanted[kind] - this.#lines.filter((line) => line.kind === kind).length);
  }

  #isShort(): boolean {
    // A line of a refused offer has no mid; it needs another offer.
    const unnegotiated = this.#lines.some((line) => line.transceiver.mid === null);
    return unnegotiated || this.#missing("audio") > 0 || this.#missing("video") > 0;
  }

  #openMissing(): boolean {
    this.#asked = false;
    if (!this.#isShort()) return false;
    for (const kind of ["audio", "video"] as const) {
      for (let missing = this.#missing(kind); missing > 0; missing--) {
        const transceiver = this.#media.addTransceiver(kind, { direction: "recvonly" });
        narrow(transceiver, kind);
        const mixTrack = this.#mixes && kind === "audio" ? transceiver.receiver.track.clone() : undefined;
        this.#lines.push({ kind, transceiver, ...(mixTrack && { mixTrack }) });
      }
    }
    return true;
  }
}
