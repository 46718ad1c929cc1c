import type { MediaConnection } from "./connection.js";

/** How often loss is looked at, in milliseconds. */
export const LOSS_INTERVAL = 1_000;
/** From which share of packets lost on pictures wait for repair, and below which they no longer do. */
const LOSSY = 0.03;
const CLEAN = 0.01;
/** For how long fewer must have been lost, in milliseconds. */
const CLEAN_AFTER = 10_000;
/** What is waited beside two round trips, and at most, in milliseconds. */
const MARGIN = 50;
const LONGEST = 400;
/** Smaller changes of the time, in milliseconds, are not worth a stumbling picture. */
const STEP = 50;

/** A receiver as newer browsers have it. */
type Receiver = RTCRtpReceiver & { jitterBufferTarget?: number | null };

interface Line {
  received: number;
  lost: number;
  target: number | undefined;
  lossyAt: number;
}

/**
 * Has pictures wait for packets that are sent again, where many are lost: two round trips, so that what is lost twice comes in time too. A browser
 * that only receives does not know the round trip, and shows nothing until a packet comes and then skips what is late.
 */
export class RepairTime {
  readonly #media: Pick<MediaConnection, "getStats" | "transceiver">;
  readonly #lines = new Map<string, Line>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(media: Pick<MediaConnection, "getStats" | "transceiver">) {
    this.#media = media;
    this.#timer = setInterval(() => void this.#look(), LOSS_INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const all = [...(await this.#media.getStats()).values()];
      const roundTrip = 1000 * (all.find(isPathInUse)?.currentRoundTripTime ?? 0);
      for (const stats of all) {
        if (stats.type === "inbound-rtp" && stats.kind === "video" && typeof stats.mid === "string")
          this.#judge(stats.mid, stats.packetsReceived ?? 0, stats.packetsLost ?? 0, roundTrip);
      }
    } catch {
      // A connection that is closed has nothing to tell.
    }
  }

  #judge(mid: string, received: number, lost: number, roundTrip: number): void {
    const line = this.#lines.get(mid);
    if (!line) {
      this.#lines.set(mid, { received, lost, target: undefined, lossyAt: 0 });
      return;
    }
    const missing = Math.max(0, lost - line.lost);
    const share = missing / Math.max(1, missing + received - line.received);
    Object.assign(line, { received, lost });
    const now = performance.now();
    if (share >= (line.target === undefined ? LOSSY : CLEAN)) line.lossyAt = now;
    else if (line.target === undefined) return;
    const target = now - line.lossyAt < CLEAN_AFTER ? Math.min(LONGEST, 2 * roundTrip + MARGIN) : undefined;
    if (target !== undefined && Math.abs(target - (line.target ?? -STEP)) < STEP) return;
    line.target = target;
    const receiver = this.#media.transceiver(mid)?.receiver as Receiver | undefined;
    if (receiver && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = target ?? null;
  }
}

function isPathInUse(stats: { type: string; nominated?: boolean; state?: string }): boolean {
  return stats.type === "candidate-pair" && stats.nominated === true && stats.state === "succeeded";
}
