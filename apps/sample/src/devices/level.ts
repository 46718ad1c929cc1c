/** Loudness of a microphone, measured about sixty times a second while somebody watches. */
export class Level {
  #context: AudioContext | null = null;
  #source: MediaStreamAudioSourceNode | null = null;
  #analyser: AnalyserNode | null = null;
  #heard: MediaStreamTrack | null = null;
  #samples = new Float32Array(1024);

  /**
   * Listens to a copy of the track, which keeps its sound when the track itself is muted: that is how the app notices that
   * somebody talks while muted. Nothing of the copy leaves the page.
   */
  listen(track: MediaStreamTrack | null): void {
    this.#source?.disconnect();
    this.#heard?.stop();
    this.#source = null;
    this.#heard = null;
    if (track?.readyState !== "live" || typeof AudioContext === "undefined") return;
    this.#context ??= new AudioContext();
    this.#analyser ??= new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#heard = track.clone();
    this.#heard.enabled = true;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([this.#heard]));
    this.#source.connect(this.#analyser);
  }

  /** 0 (silence) to 1 (very loud), on a scale that looks even to the ear. */
  read(): number {
    if (!this.#analyser || !this.#source) return 0;
    // A page without a click yet may hold a suspended context; asking again costs nothing.
    if (this.#context?.state === "suspended") void this.#context.resume().catch(() => undefined);
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudness(this.#samples);
  }

  close(): void {
    this.listen(null);
    void this.#context?.close().catch(() => undefined);
    this.#context = null;
    this.#analyser = null;
  }
}

const quietest = -60;

/** Maps the power of samples, from -60 dB to -10 dB of full scale, to 0..1. */
export function loudness(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < samples.length; at++) {
    const sample = samples[at] as number;
    sum += sample * sample;
  }
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels - quietest) / 50));
}

/** Loud enough and long enough to be speech rather than a knock on the table. */
export class TalkDetector {
  #since: number | null = null;

  /** Takes one reading at a time in milliseconds; true once talking has lasted. */
  hear(level: number, now: number): boolean {
    if (level < 0.5) {
      this.#since = null;
      return false;
    }
    this.#since ??= now;
    return now - this.#since >= 400;
  }
}
