import type { Invitation } from "./invitation";

export interface Ticket {
  roomId: string;
  token: string;
}

export type Refusal = "demo_off" | "demo_secret" | "expired" | "unreachable" | "server";

/** Why no token could be had. */
export class PassError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, message: string) {
    super(message);
    this.name = "PassError";
    this.refusal = refusal;
  }
}

/** Milliseconds before its end at which a token is no longer used to join. */
const margin = 10_000;

interface TokenAnswer {
  data?: { room_id?: string; token?: string; refresh_token?: string };
}

/** The right to be in a room: gets client tokens for an invitation and renews them. */
export class Pass {
  readonly #invitation: Invitation & { kind: "demo" | "room" };
  readonly #fetch: typeof fetch;
  readonly #now: () => number;
  #ticket: Ticket | null = null;
  #refreshToken: string | null = null;
  #renewal: Promise<Ticket> | null = null;

  constructor(
    invitation: Invitation & { kind: "demo" | "room" },
    outside: { fetch?: typeof fetch; now?: () => number } = {},
  ) {
    this.#invitation = invitation;
    this.#fetch = outside.fetch ?? ((...request) => fetch(...request));
    this.#now = outside.now ?? Date.now;
    if (invitation.kind === "room") {
      this.#ticket = { roomId: invitation.roomId, token: invitation.token };
      this.#refreshToken = invitation.refreshToken;
    }
  }

  /** A ticket that is good for joining now. Rejects with a `PassError`. */
  async ticket(): Promise<Ticket> {
    if (!this.#ticket) return this.renew();
    const expiresAt = expiryOf(this.#ticket.token);
    return expiresAt !== null && expiresAt - this.#now() < margin ? this.renew() : this.#ticket;
  }

  /** A fresh ticket, whatever is left of the old one; those who ask meanwhile share it. Rejects with a `PassError`. */
  renew(): Promise<Ticket> {
    this.#renewal ??= this.#fresh().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #fresh(): Promise<Ticket> {
    if (this.#ticket && this.#refreshToken) {
      try {
        return await this.#refresh(this.#ticket.roomId, this.#refreshToken);
      } catch (error) {
        if (this.#invitation.kind !== "demo" || (error as PassError).refusal !== "expired") throw error;
      }
    }
    if (this.#invitation.kind === "demo")
      return this.#ask("/demo/token", { secret: this.#invitation.secret });
    throw new PassError("expired", "The token has expired and the link holds no refresh token.");
  }

  /** Whether there can be another ticket after this one. */
  get renewable(): boolean {
    return this.#refreshToken !== null || this.#invitation.kind === "demo";
  }

  #refresh(roomId: string, refreshToken: string): Promise<Ticket> {
    return this.#ask(`/v2/rooms/${roomId}/actions/refresh_client_token`, { refresh_token: refreshToken });
  }

  async #ask(path: string, body: object): Promise<Ticket> {
    let response: Response;
    try {
      response = await this.#fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
        credentials: "omit",
        signal: AbortSignal.timeout(10_000),
      });
    } catch {
      throw new PassError("unreachable", "The server does not answer.");
    }
    if (!response.ok) throw refused(path, response.status);
    const { data } = (await response.json().catch(() => ({}))) as TokenAnswer;
    const roomId = data?.room_id ?? this.#ticket?.roomId;
    if (!data?.token || !roomId) throw new PassError("server", "The server's answer holds no token.");
    this.#refreshToken = data.refresh_token ?? this.#refreshToken;
    this.#ticket = { roomId, token: data.token };
    return this.#ticket;
  }
}

function refused(path: string, status: number): PassError {
  const demo = path.startsWith("/demo/");
  if (status >= 500 || status === 429) return new PassError("unreachable", `The server answered ${status}.`);
  if (demo && status === 404) return new PassError("demo_off", "The server is not in demo mode.");
  if (demo && status === 403)
    return new PassError("demo_secret", "The secret of this demo link is not the server's.");
  return new PassError(
    status === 400 || status === 413 ? "server" : "expired",
    `The server answered ${status}.`,
  );
}

/** When a token expires, in milliseconds since 1970, read without verifying: only the server judges it. Null: it does not say. */
export function expiryOf(token: string): number | null {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { exp } = JSON.parse(atob(part)) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1_000 : null;
  } catch {
    return null;
  }
}
