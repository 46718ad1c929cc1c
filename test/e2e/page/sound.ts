/** The loudest tone of a sound. */
export interface Tone {
  /** In Hz, between the bins of the spectrum. */
  pitch: number;
  /** Of its peak, in dB below full scale; -200 for nothing at all. */
  level: number;
}

const silence = -200;

/** Listens to a track. */
export class Ear {
  readonly #context: AudioContext;
  readonly #analyser: AnalyserNode;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #element = new Audio();

  /** With a channel it hears that side alone. */
  constructor(context: AudioContext, track: MediaStreamTrack, channel?: number) {
    this.#context = context;
    const stream = new MediaStream([track]);
    // Chromium decodes a remote track only if an element plays it.
    this.#element.muted = true;
    this.#element.srcObject = stream;
    this.#element.play().catch((error: unknown) => console.warn("a sound does not play", error));
    this.#analyser = new AnalyserNode(context, {
      fftSize: 16_384,
      smoothingTimeConstant: 0,
      minDecibels: silence,
    });
    this.#source = context.createMediaStreamSource(stream);
    if (channel === undefined) {
      this.#source.connect(this.#analyser);
      return;
    }
    const splitter = context.createChannelSplitter(2);
    this.#source.connect(splitter).connect(this.#analyser, channel);
  }

  loudest(): Tone {
    const spectrum = this.#spectrum();
    let peak = 1;
    for (let bin = 2; bin < spectrum.length - 1; bin++) {
      if ((spectrum[bin] ?? silence) > (spectrum[peak] ?? silence)) peak = bin;
    }
    const [before, at, after] = [spectrum[peak - 1], spectrum[peak], spectrum[peak + 1]] as [
      number,
      number,
      number,
    ];
    const bend = before - 2 * at + after;
    const offset = bend === 0 ? 0 : (before - after) / (2 * bend);
    return { pitch: (peak + offset) * this.#binWidth, level: at };
  }

  /** The level of one pitch, in dB. */
  levelAt(pitch: number): number {
    const spectrum = this.#spectrum();
    const bin = Math.round(pitch / this.#binWidth);
    return Math.max(...spectrum.slice(bin - 1, bin + 2));
  }

  close(): void {
    this.#source.disconnect();
    this.#element.srcObject = null;
  }

  get #binWidth(): number {
    return this.#context.sampleRate / this.#analyser.fftSize;
  }

  #spectrum(): number[] {
    const spectrum = new Float32Array(this.#analyser.frequencyBinCount);
    this.#analyser.getFloatFrequencyData(spectrum);
    return Array.from(spectrum, (level) => Math.max(silence, level));
  }
}
