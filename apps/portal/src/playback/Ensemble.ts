import { isThere, type Part } from "./score";

/** What an ensemble needs of a media element. */
export interface Player {
  currentTime: number;
  playbackRate: number;
  readonly readyState: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly error: unknown;
  play(): Promise<void>;
  pause(): void;
}

/** Seconds a player may be away from the clock before it is moved, and before its speed is changed. */
const far = 0.3;
const near = 0.02;
/** The largest change of speed that is not heard, and over how many seconds it makes up for what is missing. */
const mostNudge = 0.08;
const catchUp = 1;

const haveFutureData = 3;

/**
 * Plays recordings in step: one clock runs, and each player is held to it. The clock waits while a player that is due has nothing to
 * play. Where a recording has nothing, its player is passed over the gap: browsers leave gaps of sound out, and what follows would
 * come too early. Whoever makes it calls tick often, and changed says when what it shows is another.
 */
export class Ensemble {
  readonly #players = new Map<Part, Player>();
  #playing = false;
  #waiting = false;
  #rate = 1;
  #at: number; // as of #since
  #since = 0;

  constructor(
    readonly length: number,
    at: number,
    private readonly now: () => number, // milliseconds
    private readonly changed: () => void,
  ) {
    this.#at = Math.min(Math.max(at, 0), length);
  }

  /** Seconds on the clock. */
  get at(): number {
    return this.#at;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Whether the clock stands, although it was told to run. */
  get waiting(): boolean {
    return this.#playing && this.#waiting;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Takes a player in; what it returns takes it out. */
  add(part: Part, player: Player): () => void {
    this.#players.set(part, player);
    this.#hold(part, player, true);
    return () => {
      this.#players.delete(part);
      player.pause();
    };
  }

  play(): void {
    if (this.#at >= this.length) this.#at = 0;
    this.#playing = true;
    this.#waiting = false;
    this.#since = this.now();
    this.tick();
    this.changed();
  }

  pause(): void {
    this.tick();
    this.#playing = false;
    this.#holdAll(true);
    this.changed();
  }

  seek(at: number): void {
    this.#at = Math.min(Math.max(at, 0), this.length);
    this.#since = this.now();
    this.#holdAll(true);
    this.changed();
  }

  /** How fast the clock runs: 1 is as it was. */
  speed(rate: number): void {
    this.tick();
    this.#rate = rate;
    this.#holdAll(false);
    this.changed();
  }

  /** Moves the clock on and holds the players to it. */
  tick(): void {
    const now = this.now();
    if (this.#playing && !this.#waiting) this.#at += ((now - this.#since) / 1000) * this.#rate;
    this.#since = now;
    if (!this.#playing) return;
    if (this.#at >= this.length) {
      this.#at = this.length;
      this.#playing = false;
      this.#holdAll(false);
      this.changed();
      return;
    }
    const waiting = [...this.#players].some(([part, player]) => this.#lacks(part, player));
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      this.changed();
    }
    this.#holdAll(false);
  }

  /** Where a player that is not due stands ready for its turn, in seconds of its file; undefined if none comes. */
  #ready(part: Part): number | undefined {
    if (this.#at < part.from) return 0;
    const off = part.off.find(({ from, until }) => from <= this.#at && this.#at < until);
    return off && off.until < part.until ? off.until - part.from : undefined;
  }

  #lacks(part: Part, player: Player): boolean {
    return (
      isThere(part, this.#at) &&
      !player.error &&
      !player.ended &&
      (player.seeking || player.readyState < haveFutureData)
    );
  }

  #holdAll(exactly: boolean): void {
    for (const [part, player] of this.#players) this.#hold(part, player, exactly);
  }

  #hold(part: Part, player: Player, exactly: boolean): void {
    const should = this.#at - part.from;
    const late = should - player.currentTime;
    if (!isThere(part, this.#at)) {
      if (!player.paused) player.pause();
      const ready = this.#ready(part);
      if (ready !== undefined && !player.seeking && Math.abs(player.currentTime - ready) > near)
        player.currentTime = ready;
      return;
    }
    if (player.ended && late > 0) return;
    const runs = this.#playing && !this.#waiting;
    if (exactly ? late !== 0 : !player.seeking && Math.abs(late) > far) player.currentTime = should;
    const nudge = Math.abs(late) > near && Math.abs(late) <= far ? late / catchUp : 0;
    const rate = this.#rate * (1 + Math.min(Math.max(nudge, -mostNudge), mostNudge));
    if (Math.abs(player.playbackRate - rate) > 0.005) player.playbackRate = rate;
    if (runs && player.paused) void player.play().catch(() => undefined);
    if (!runs && !player.paused) player.pause();
  }
}
