import type { MixedAudio } from "./media/mixed-audio.js";
import type { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import type { Stream } from "./state.js";
import type { Subscriber } from "./subscriber.js";

/** How often levels are looked at, in milliseconds. */
export const SAMPLE_INTERVAL = 200;
/** How often `audio_activity` repeats while somebody speaks, in milliseconds. */
export const PULSE_INTERVAL = 2_000;
/** How long it must be quiet before speech counts as ended, in milliseconds. */
export const HANGOVER = 800;

// Peaks, 1 is full scale: about -36 and -44 dB. Speech is louder than the first, a quiet room is below the second.
const START_LEVEL = 0.016;
const STOP_LEVEL = 0.006;
const SMOOTHING = 0.5;
// Loudness beyond this makes nobody speak more, but would take longer to fade.
const LEVEL_CAP = 0.06;

/** Tells speech from silence by a smoothed level. */
export class SpeechDetector {
  #level = 0;
  #speaking = false;
  #lastLoud = 0;
  #lastPulse = 0;

  get speaking(): boolean {
    return this.#speaking;
  }

  /** Takes the level (0 to 1) at a moment in milliseconds and says what is to be told, if anything. */
  sample(level: number, now: number): "pulse" | "ended" | undefined {
    this.#level += (Math.min(level, LEVEL_CAP) - this.#level) * SMOOTHING;
    if (this.#level <= (this.#speaking ? STOP_LEVEL : START_LEVEL)) {
      if (!this.#speaking || now - this.#lastLoud < HANGOVER) return undefined;
      this.#speaking = false;
      return "ended";
    }
    this.#lastLoud = now;
    if (this.#speaking && now - this.#lastPulse < PULSE_INTERVAL) return undefined;
    this.#speaking = true;
    this.#lastPulse = now;
    return "pulse";
  }
}

/** Tells who speaks on which stream, as heard in this browser. One timer, whatever the number of streams. */
export class ActivityMonitor {
  readonly #session: Session;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #mixed: MixedAudio;
  readonly #detectors = new Map<string, { stream: Stream; detector: SpeechDetector }>();
  readonly #timer: ReturnType<typeof setInterval>;
  #sampling = false;

  constructor(session: Session, publisher: Publisher, subscriber: Subscriber, mixed: MixedAudio) {
    this.#session = session;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#mixed = mixed;
    this.#timer = setInterval(() => void this.#sampleAll(), SAMPLE_INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#detectors.clear();
  }

  async #sampleAll(): Promise<void> {
    // Statistics may take longer than the interval; the next tick is soon enough.
    if (this.#sampling || this.#session.state.status !== "connected") return;
    this.#sampling = true;
    try {
      const audible = [...this.#session.state.streams.values()].filter(isAudible);
      const levels = await Promise.all(audible.map((stream) => this.#level(stream)));
      this.#forgetInaudible(audible);
      audible.forEach((stream, index) => {
        this.#judge(stream, levels[index] ?? 0);
      });
    } catch (error) {
      this.#session.log.debug("audio levels could not be read", error);
    } finally {
      this.#sampling = false;
    }
  }

  #judge(stream: Stream, level: number): void {
    const entry = this.#detectors.get(stream.id) ?? { stream, detector: new SpeechDetector() };
    this.#detectors.set(stream.id, entry);
    const heard = entry.detector.sample(level, performance.now());
    if (heard === "pulse") this.#session.tell("audio_activity", stream.participantId, stream.key);
    if (heard === "ended") this.#session.tell("audio_activity_ended", stream.participantId, stream.key);
  }

  #forgetInaudible(audible: Stream[]): void {
    const ids = new Set(audible.map((stream) => stream.id));
    for (const [id, { stream, detector }] of this.#detectors) {
      if (ids.has(id)) continue;
      this.#detectors.delete(id);
      const isHere = this.#session.state.participants.has(stream.participantId);
      if (detector.speaking && isHere)
        this.#session.tell("audio_activity_ended", stream.participantId, stream.key);
    }
  }

  async #level(stream: Stream): Promise<number> {
    if (stream.origin === "local") {
      const sender = this.#publisher.sender(stream.id, "audio");
      return sender ? levelIn(await sender.getStats(), "media-source") : 0;
    }
    // Statistics measure what is played, so a stream that is heard in the mix alone would seem silent there.
    const heard = stream.audioTrack && this.#mixed.level(stream.audioTrack);
    if (heard !== undefined) return heard;
    const receiver = this.#subscriber.receiver(stream.id, "audio");
    return receiver ? levelIn(await receiver.getStats(), "inbound-rtp") : 0;
  }
}

function isAudible(stream: Stream): boolean {
  return stream.isConfigured && stream.isAudioEnabled && !stream.isAudioCensored;
}

function levelIn(report: RTCStatsReport, type: "media-source" | "inbound-rtp"): number {
  for (const stats of report.values()) {
    if (stats.type === type && typeof stats.audioLevel === "number") return stats.audioLevel;
  }
  return 0;
}
