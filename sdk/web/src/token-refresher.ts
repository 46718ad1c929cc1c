import { RoomError } from "./errors.js";
import type { Session } from "./session.js";

/** The share of a token's remaining life after which a fresh one is asked for. */
const REFRESH_AT = 0.8;
/** Not more often than this, in milliseconds, whatever the clocks say. */
const MIN_DELAY = 5_000;
/** The longest delay a timer can have, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/** Hands fresh tokens to the server, and asks the application for them before the old one expires. */
export class TokenRefresher {
  readonly #session: Session;
  readonly #provider: (() => string | Promise<string>) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `expiresAt` is when the first token expires, RFC 3339. */
  constructor(session: Session, expiresAt: string, provider?: () => string | Promise<string>) {
    this.#session = session;
    this.#provider = provider;
    this.#schedule(expiresAt);
    session.onEnd(() => clearTimeout(this.#timer));
  }

  async update(token: string): Promise<void> {
    const { token_expires_at } = await this.#session.channel.request("update_token", { token });
    this.#schedule(token_expires_at);
  }

  #schedule(expiresAt: string): void {
    if (!this.#provider || this.#session.ending) return;
    clearTimeout(this.#timer);
    const left = Date.parse(expiresAt) - Date.now();
    if (Number.isNaN(left)) return;
    this.#scheduleIn(left * REFRESH_AT);
  }

  #scheduleIn(delay: number): void {
    this.#timer = setTimeout(() => void this.#refresh(), Math.min(MAX_DELAY, Math.max(MIN_DELAY, delay)));
  }

  async #refresh(): Promise<void> {
    try {
      const token = await this.#provider?.();
      if (this.#session.ending) return;
      if (typeof token !== "string" || token === "") {
        throw new RoomError("invalid_argument", "tokenProvider gave no token");
      }
      await this.update(token);
    } catch (cause) {
      if (this.#session.ending) return;
      this.#session.fail(new RoomError("unauthorized", "the token could not be refreshed", { cause }));
      this.#scheduleIn(MIN_DELAY);
    }
  }
}
