import type { MixedAudio } from "./media/mixed-audio.js";
import type { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import { isInside, type Stream } from "./state.js";
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

/** What is listened to as one: a stream, or (key null) all that is heard of a participant in the mix alone. */
interface Voice {
  participantId: string;
  key: string | null;
  streams: Stream[];
}

/** Tells who speaks on which stream, as heard in this browser. One timer, whatever the number of streams. */
export class ActivityMonitor {
  readonly #session: Session;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #mixed: MixedAudio | undefined;
  readonly #detectors = new Map<string, { voice: Voice; detector: SpeechDetector }>();
  readonly #timer: ReturnType<typeof setInterval>;
  #sampling = false;

  constructor(session: Session, publisher: Publisher, subscriber: Subscriber, mixed?: MixedAudio) {
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
    if (this.#sampling || !isInside(this.#session.state.status)) return;
    this.#sampling = true;
    try {
      const mixTracks = this.#subscriber.mixTracks();
      const voices = this.#voices(mixTracks);
      const levels = await Promise.all(
        [...voices.values()].map(async ({ streams }) =>
          Math.max(...(await Promise.all(streams.map(({ id }) => this.#level(id, mixTracks.get(id)))))),
        ),
      );
      this.#forgetAllBut(voices);
      [...voices].forEach(([id, voice], index) => {
        this.#judge(id, voice, levels[index] ?? 0);
      });
    } catch (error) {
      this.#session.log.debug("audio levels could not be read", error);
    } finally {
      this.#sampling = false;
    }
  }

  /** Everything that may be heard now, by an id of its own. */
  #voices(mixTracks: ReadonlyMap<string, MediaStreamTrack>): Map<string, Voice> {
    const { streams } = this.#session.state;
    const voices = new Map<string, Voice>();
    for (const stream of streams.values()) {
      if (!stream.isAudioEnabled || stream.isAudioCensored) continue;
      const { id, participantId, key } = stream;
      if (this.#isOwn(stream)) voices.set(id, { participantId, key, streams: [stream] });
      else if (mixTracks.has(id)) {
        const others = voices.get(participantId)?.streams ?? [];
        voices.set(participantId, { participantId, key: null, streams: [...others, stream] });
      }
    }
    return voices;
  }

  /** Whether the application has the sound of a stream by itself. */
  #isOwn({ origin, isConfigured, participantId, key }: Stream): boolean {
    const subscription = this.#session.state.subscriptions.get(participantId)?.get(key);
    return isConfigured && (origin === "local" || subscription?.audio === true);
  }

  #judge(id: string, voice: Voice, level: number): void {
    const { participantId, key } = voice;
    const entry = this.#detectors.get(id) ?? { voice, detector: new SpeechDetector() };
    this.#detectors.set(id, entry);
    const heard = entry.detector.sample(level, performance.now());
    if (heard === "pulse") this.#session.tell("audio_activity", participantId, key);
    if (heard === "ended") this.#session.tell("audio_activity_ended", participantId, key);
  }

  #forgetAllBut(voices: ReadonlyMap<string, Voice>): void {
    for (const [id, { voice, detector }] of this.#detectors) {
      if (voices.has(id)) continue;
      this.#detectors.delete(id);
      const isHere = this.#session.state.participants.has(voice.participantId);
      if (detector.speaking && isHere)
        this.#session.tell("audio_activity_ended", voice.participantId, voice.key);
    }
  }

  async #level(streamId: string, mixTrack: MediaStreamTrack | undefined): Promise<number> {
    const sender = this.#publisher.sender(streamId, "audio");
    if (sender) return levelIn(await sender.getStats(), "media-source");
    // Statistics measure what is played, so a stream that is heard in the mix alone would seem silent there.
    const heard = mixTrack && this.#mixed?.level(mixTrack);
    if (heard !== undefined) return heard;
    const receiver = this.#subscriber.receiver(streamId, "audio");
    return receiver ? levelIn(await receiver.getStats(), "inbound-rtp") : 0;
  }
}

function levelIn(report: RTCStatsReport, type: "media-source" | "inbound-rtp"): number {
  for (const stats of report.values()) {
    if (stats.type === type && typeof stats.audioLevel === "number") return stats.audioLevel;
  }
  return 0;
}
