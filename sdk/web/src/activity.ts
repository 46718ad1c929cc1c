import type { Session } from "./session.js";
import { isInside, type State, type Stream } from "./state.js";

/** How often `audio_activity` repeats while somebody speaks, in milliseconds. */
export const PULSE_INTERVAL = 2_000;

/** What is heard as one: a stream, or (key null) all that is heard of a participant in the mix alone. */
interface Voice {
  participantId: string;
  key: string | null;
}

/**
 * Tells who speaks on which stream. The server listens (it hears what is kept from this client too, and judges all alike); what
 * is told here follows from its word and the state.
 */
export class ActivityMonitor {
  readonly #session: Session;
  readonly #mixes: boolean;
  readonly #voices = new Map<string, { voice: Voice; pulses: ReturnType<typeof setInterval> }>();
  #speaking: ReadonlySet<string> = new Set();

  /** `mixes` says whether what is not subscribed is heard in the mix. */
  constructor(session: Session, mixes: boolean) {
    this.#session = session;
    this.#mixes = mixes;
    session.watch(() => this.#compare());
    session.watchNotices((notice) => {
      if (notice.type === "speakers") this.speakers(notice.streams);
    });
  }

  /** Takes the streams on which somebody speaks. */
  speakers(streamIds: readonly string[]): void {
    this.#speaking = new Set(streamIds);
    this.#compare();
  }

  stop(): void {
    for (const { pulses } of this.#voices.values()) clearInterval(pulses);
    this.#voices.clear();
  }

  #compare(): void {
    const heard = this.#heard(this.#session.state);
    for (const [id, { voice, pulses }] of this.#voices) {
      if (heard.has(id)) continue;
      clearInterval(pulses);
      this.#voices.delete(id);
      const isHere = this.#session.state.participants.has(voice.participantId);
      if (isHere) this.#session.tell("audio_activity_ended", voice.participantId, voice.key);
    }
    for (const [id, voice] of heard) {
      if (this.#voices.has(id)) continue;
      const pulse = () => this.#session.tell("audio_activity", voice.participantId, voice.key);
      this.#voices.set(id, { voice, pulses: setInterval(pulse, PULSE_INTERVAL) });
      pulse();
    }
  }

  /** Everything on which somebody speaks, by an id of its own. */
  #heard(state: State): Map<string, Voice> {
    const voices = new Map<string, Voice>();
    if (!isInside(state.status)) return voices;
    for (const id of this.#speaking) {
      const stream = state.streams.get(id);
      if (!stream?.isAudioEnabled || stream.isAudioCensored) continue;
      const { participantId, key } = stream;
      if (isOwn(state, stream)) voices.set(id, { participantId, key });
      else if (this.#mixes) voices.set(participantId, { participantId, key: null });
    }
    return voices;
  }
}

/** Whether the application has the sound of a stream by itself. */
function isOwn(state: State, { origin, isConfigured, participantId, key }: Stream): boolean {
  const subscription = state.subscriptions.get(participantId)?.get(key);
  return isConfigured && (origin === "local" || subscription?.audio === true);
}
