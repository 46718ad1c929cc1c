/** How often packets are looked for, in milliseconds. */
export const LOOK_INTERVAL = 200;
/** How long no packet may come, in milliseconds, before the server is asked whether it is there. Speech that pauses sends one every 400 ms. */
export const QUIET_LIMIT = 500;
/** For how long packets must have come without such a pause, in milliseconds, for a pause to mean anything. */
const STEADY_AFTER = 2_000;
/** Where statistics are dear, as in large rooms, looks are so many times further apart than they take, but no further than this, in milliseconds. */
const REST = 20;
const LONGEST_REST = 1_000;
/** A look that comes so late, in milliseconds, tells nothing: the page was held up. */
const LATE = 1_500;

/**
 * Notices that packets of the server, which came steadily, stop. Browsers take 5 s to tell it by themselves. That everybody fell silent looks
 * the same, so it is a reason to ask, no more.
 */
export class FlowWatch {
  readonly #count: () => Promise<number | undefined>;
  readonly #tell: (flows: boolean) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #looking = false;
  #restsUntil = 0;
  #last = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #cameAt = 0;
  #steadySince = Number.POSITIVE_INFINITY;
  #quiet = false;

  /**
   * `count` says how many bytes of media and reports came, which nobody knows before the connection is there. `tell` is told that they
   * stopped, and that they come again.
   */
  constructor(count: () => Promise<number | undefined>, tell: (flows: boolean) => void) {
    this.#count = count;
    this.#tell = tell;
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL);
  }

  /** They stopped, and have not come again. */
  get quiet(): boolean {
    return this.#quiet;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const began = performance.now();
    if (this.#looking || began < this.#restsUntil) return;
    this.#looking = true;
    try {
      const count = await this.#count();
      if (count !== undefined) this.#judge(count, performance.now());
    } catch {
      // A connection that is closed has nothing to tell.
    } finally {
      this.#looking = false;
      const now = performance.now();
      this.#restsUntil = now + Math.min(REST * (now - began), LONGEST_REST);
    }
  }

  #judge(count: number, now: number): void {
    const passed = now - this.#lookedAt;
    const isLate = passed > LATE;
    this.#lookedAt = now;
    if (count !== this.#last || isLate) {
      if (isLate || now - this.#cameAt > QUIET_LIMIT + Math.max(LOOK_INTERVAL, passed))
        this.#steadySince = now;
      this.#last = count;
      this.#cameAt = now;
      if (this.#quiet && !isLate) this.#set(false);
      return;
    }
    if (this.#quiet || now - this.#cameAt < QUIET_LIMIT || this.#cameAt - this.#steadySince < STEADY_AFTER)
      return;
    this.#set(true);
  }

  #set(quiet: boolean): void {
    this.#quiet = quiet;
    this.#tell(!quiet);
  }
}
