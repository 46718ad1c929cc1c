import { RoomError } from "./errors.js";
import type { Session } from "./session.js";

/** The share of a token's remaining life after which a fresh one is asked for. */
const REFRESH_AT = 0.8;
/** Not more often than this, in milliseconds, whatever the clocks say. */
const MIN_DELAY = 5_000;
/** How long the application may take to give one, in milliseconds. */
export const TOKEN_TIMEOUT = 10_000;
/** The longest delay a timer can have, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/** Hands fresh tokens to the server, and asks the application for them before the old one expires. */
export class TokenRefresher {
  readonly #session: Session;
  readonly #provider: (() => string | Promise<string>) | undefined;
  #token: string;
  /** The one that the server took last. */
  #taken: string | undefined;
  #expiresAt = Number.NaN;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `expiresAt` is when the first token expires, RFC 3339. */
  constructor(session: Session, token: string, expiresAt: string, provider?: () => string | Promise<string>) {
    this.#session = session;
    this.#token = token;
    this.#provider = provider;
    this.accepted(expiresAt);
    session.onEnd(() => clearTimeout(this.#timer));
  }

  /** The token to come back with. */
  get token(): string {
    return this.#token;
  }

  /** Whether it must be replaced, as far as the clock here tells, and can be. */
  get isStale(): boolean {
    return this.#provider !== undefined && this.#expiresAt <= Date.now();
  }

  /** Gets another token from the application, for the next connection. False: it gives none. */
  async renew(): Promise<boolean> {
    if (!this.#provider) return false;
    this.#token = await this.#provide();
    return true;
  }

  async update(token: string): Promise<void> {
    const { channel } = this.#session;
    // It is what the server is told on coming back, ahead of this request.
    if (channel.suspended) this.#token = token;
    try {
      const { token_expires_at } = await channel.request("update_token", { token });
      this.#token = token;
      this.accepted(token_expires_at);
    } catch (error) {
      if (this.#taken !== token) throw error;
    }
  }

  /** The server took the token; it expires then. */
  accepted(expiresAt: string): void {
    this.#taken = this.#token;
    this.#expiresAt = Date.parse(expiresAt);
    if (!this.#provider || this.#session.ending) return;
    clearTimeout(this.#timer);
    const left = this.#expiresAt - Date.now();
    if (Number.isNaN(left)) return;
    this.#scheduleIn(left * REFRESH_AT);
  }

  async #provide(): Promise<string> {
    const token = await inTime(this.#provider?.());
    if (typeof token !== "string" || token === "") {
      throw new RoomError("invalid_argument", "tokenProvider gave no token");
    }
    return token;
  }

  #scheduleIn(delay: number): void {
    this.#timer = setTimeout(() => void this.#refresh(), Math.min(MAX_DELAY, Math.max(MIN_DELAY, delay)));
  }

  async #refresh(): Promise<void> {
    try {
      const token = await this.#provide();
      if (this.#session.ending) return;
      await this.update(token);
    } catch (cause) {
      if (this.#session.ending) return;
      this.#session.fail(new RoomError("unauthorized", "the token could not be refreshed", { cause }));
      this.#scheduleIn(MIN_DELAY);
    }
  }
}

/** Rejects with `timed_out` if the application does not give a token. */
async function inTime<T>(token: T | Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `tokenProvider gave no token within ${TOKEN_TIMEOUT / 1000} s`;
    timer = setTimeout(() => reject(new RoomError("timed_out", message)), TOKEN_TIMEOUT);
  });
  return Promise.race([token, late]).finally(() => clearTimeout(timer));
}
