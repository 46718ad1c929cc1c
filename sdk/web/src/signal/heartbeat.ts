/** How often the client speaks when it has nothing to say, in milliseconds. */
export const PING_INTERVAL = 5_000;
/** How long the server may be silent, in milliseconds, before the connection counts as lost. */
export const SILENCE_LIMIT = 10_000;
/** The same after a sign that the network changed. */
export const PROBE_LIMIT = 2_000;
/** The same when media stopped too: at least, and three round trips. */
export const SUSPICION_LIMIT = 400;

/** Says when to ping over one socket after another, and when one has been silent for too long. */
export class Heartbeat {
  readonly #ping: () => void;
  readonly #silent: (limit: number) => void;
  #pings: ReturnType<typeof setInterval> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  #probeDue = 0;
  /** Of the last ping, in milliseconds. */
  roundTrip = 0;

  /** `silent` is told how long nothing was heard, in milliseconds. */
  constructor(ping: () => void, silent: (limit: number) => void) {
    this.#ping = ping;
    this.#silent = silent;
  }

  /** Begins with an open socket. */
  start(): void {
    let last = Date.now();
    this.#pings = setInterval(() => {
      const now = Date.now();
      // The machine slept: what was open before may be gone.
      if (now - last > 2 * PING_INTERVAL) this.probe();
      else this.#ping();
      last = now;
    }, PING_INTERVAL);
    this.heard();
  }

  /** Something came from the server. */
  heard(): void {
    clearTimeout(this.#probe);
    this.#probe = undefined;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#silent(SILENCE_LIMIT), SILENCE_LIMIT);
  }

  /** Makes sure, sooner than usual, that the server is there: it must be heard within `limit` milliseconds. */
  probe(limit = PROBE_LIMIT): void {
    if (this.#pings === undefined) return;
    const due = performance.now() + limit;
    if (this.#probe !== undefined && this.#probeDue <= due) return;
    clearTimeout(this.#probe);
    this.#probeDue = due;
    this.#probe = setTimeout(() => this.#silent(limit), limit);
    this.#ping();
  }

  /** The same when there is another reason to believe that it is not: the wait is short, as far as the network was quick before. */
  suspect(): void {
    this.probe(Math.min(Math.max(SUSPICION_LIMIT, 3 * this.roundTrip), PROBE_LIMIT));
  }

  /** Ends with the socket. */
  stop(): void {
    clearInterval(this.#pings);
    clearTimeout(this.#silence);
    clearTimeout(this.#probe);
    this.#pings = this.#probe = undefined;
  }
}
