import { onForeground } from "../foreground.js";
import type { Logger } from "../log.js";

/** What makes a browser resume audio that was held back until somebody touched the page. */
const gestures = ["pointerdown", "keydown", "touchend"] as const;

/** How long a graph may take to start before it counts as held back, in milliseconds. */
export const START_LIMIT = 1_000;

interface Source {
  node: MediaStreamAudioSourceNode;
  element: HTMLAudioElement;
}

/** One track with the sound of many: one Web Audio graph per room, from `connect()` to the end. */
export class MixedAudio {
  readonly #context: AudioContext;
  readonly #destination: MediaStreamAudioDestinationNode;
  readonly #sources = new Map<MediaStreamTrack, Source>();
  readonly #log: Logger;
  readonly #unwatch: () => void;
  #check: ReturnType<typeof setTimeout> | undefined;
  #blocked = false;
  /** Hears when the browser begins or ceases to hold the mix back. */
  onBlocked: (blocked: boolean) => void = () => {};

  constructor(log: Logger) {
    this.#log = log;
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#destination = this.#context.createMediaStreamDestination();
    this.#context.onstatechange = () => this.#judge();
    this.#unwatch = onForeground(this.#resume);
    for (const gesture of gestures) globalThis.document?.addEventListener(gesture, this.#resume, true);
  }

  get track(): MediaStreamTrack {
    return this.#destination.stream.getAudioTracks()[0] as MediaStreamTrack;
  }

  /** Mixes exactly these tracks from now on. */
  mix(tracks: ReadonlySet<MediaStreamTrack>): void {
    for (const [track, source] of this.#sources) {
      if (!tracks.has(track)) this.#remove(track, source);
    }
    for (const track of tracks) {
      if (!this.#sources.has(track)) this.#add(track);
    }
    this.#resume();
  }

  /** Runs the graph; rejects while the browser does not let it. */
  async start(): Promise<void> {
    if (this.#sources.size === 0 || this.#isRunning()) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Without a gesture Chromium neither resumes nor refuses.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the browser waits for a gesture")), START_LIMIT);
    });
    await Promise.race([this.#context.resume(), late]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    clearTimeout(this.#check);
    this.#unwatch();
    this.#context.onstatechange = null;
    for (const gesture of gestures) globalThis.document?.removeEventListener(gesture, this.#resume, true);
    for (const [track, source] of this.#sources) this.#remove(track, source);
    for (const track of this.#destination.stream.getTracks()) track.stop();
    await this.#context.close();
  }

  readonly #resume = (): void => {
    if (this.#sources.size === 0 || this.#isRunning()) return;
    clearTimeout(this.#check);
    this.#check = setTimeout(() => this.#judge(), START_LIMIT);
    this.#context.resume().catch((error: unknown) => this.#log.debug("mixed audio does not run yet", error));
  };

  /** Not so while the browser waits for a gesture (`suspended`), or another program has the sound (`interrupted`, on iOS). */
  #isRunning(): boolean {
    return this.#context.state === "running" || this.#context.state === "closed";
  }

  #judge(): void {
    const blocked = this.#sources.size > 0 && !this.#isRunning();
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.onBlocked(blocked);
  }

  #add(track: MediaStreamTrack): void {
    const stream = new MediaStream([track]);
    // Chromium decodes remote audio for Web Audio only while an element plays it; muted, so that it is heard once.
    const element = new Audio();
    element.muted = true;
    element.srcObject = stream;
    element.play().catch((error: unknown) => this.#log.debug("remote audio does not play yet", error));
    const node = this.#context.createMediaStreamSource(stream);
    node.connect(this.#destination);
    this.#sources.set(track, { node, element });
  }

  #remove(track: MediaStreamTrack, { node, element }: Source): void {
    node.disconnect();
    element.pause();
    element.srcObject = null;
    this.#sources.delete(track);
  }
}
