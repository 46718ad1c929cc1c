import type { MediaKeeper } from "./call.js";
import { type ErrorCode, RoomError } from "./errors.js";
import { type NetworkSign, watchNetwork } from "./network-watch.js";
import type { ReconnectOptions } from "./options.js";
import type { Session } from "./session.js";
import type { JoinReply, Refusal, ResumeReply } from "./signal/frames.js";
import { type Ending, ending, endingOfError } from "./signal/refusals.js";
import type { TokenRefresher } from "./token-refresher.js";

/** How long one socket may take to open, and one request over it, in milliseconds. */
export const ATTEMPT_TIMEOUT = 5_000;
/** How long to wait before each attempt, in milliseconds; the last holds for all that follow. */
export const DELAYS = [0, 300, 600, 1_200, 2_400, 5_000] as const;
/** The same before the first, if the server closed because it cannot go on just now. */
export const BUSY_DELAY = 1_500;
/** For how long attempts are made, in seconds. */
const GIVE_UP_AFTER = 120;
/** An attempt that lasts so long, in milliseconds, is begun anew when the network is back. */
const STUCK = 500;
/** Media that breaks again so soon after the room was joined anew, in milliseconds, is not worth another try. */
const MEDIA_PATIENCE = 60_000;

/** What a reconnector has others do. */
export interface Rejoiner {
  /** Says hello and joins as a new participant, over the channel that was just reopened. */
  rejoin(): Promise<void>;
  /** The server goes on as before. */
  resumed(reply: ResumeReply): void;
  /** There is no way to the server at present. */
  socketLost(): void;
  /** The network may be another. */
  networkChanged(): void;
}

/**
 * Gets a room back whose connection is lost: by resuming over another socket, and if the server no longer knows this client, by joining
 * again. Tells `reconnecting` when the first of socket and media is lost, and `reconnected` when both are there.
 */
export class Reconnector implements MediaKeeper {
  readonly #session: Session;
  readonly #tokens: TokenRefresher;
  readonly #options: ReconnectOptions;
  readonly #rejoiner: Rejoiner;
  readonly #troubles = new Set<"signal" | "media">();
  #secret: string | undefined;
  #resumed = true;
  #running = false;
  #tokenRenewed = false;
  #wake: (() => void) | undefined;
  #mediaRejoinedAt = Number.NEGATIVE_INFINITY;

  constructor(session: Session, tokens: TokenRefresher, options: ReconnectOptions, rejoiner: Rejoiner) {
    this.#session = session;
    this.#tokens = tokens;
    this.#options = options;
    this.#rejoiner = rejoiner;
  }

  /** The room was entered, for the first time or again. */
  entered({ resume }: JoinReply): void {
    this.#secret = resume?.secret;
  }

  /** Begins, once, when the room was entered. */
  start(): void {
    this.#session.channel.onLost((why) => this.#socketLost(why));
    this.#session.onEnd(watchNetwork((sign) => this.#network(sign)));
    this.#session.onEnd(() => this.#wake?.());
  }

  mediaLost(): void {
    this.#lost("media");
  }

  mediaRestored(): void {
    this.#restored("media");
  }

  mediaFlows(): void {
    this.#wake?.();
  }

  mediaBroken(): boolean {
    const now = Date.now();
    if (now - this.#mediaRejoinedAt < MEDIA_PATIENCE) return false;
    this.#mediaRejoinedAt = now;
    const { channel } = this.#session;
    if (!channel.suspended) channel.leave();
    channel.suspend();
    this.#secret = undefined;
    this.#socketLost(lostBy("media_failed", "the media connection could not be restarted"));
    return true;
  }

  #network(sign: NetworkSign): void {
    const { channel } = this.#session;
    if (channel.suspended) {
      this.#wake?.();
      return;
    }
    if (sign === "online") {
      // What was open before it was offline is rarely worth waiting for.
      channel.suspend();
      this.#socketLost(lostBy("network_error", "the network was lost"));
      return;
    }
    channel.probe();
    if (sign === "changed") this.#rejoiner.networkChanged();
  }

  #socketLost(why: Ending): void {
    if (this.#session.ending) return;
    if (!why.mayReturn) {
      void this.#session.end(why);
      return;
    }
    this.#session.log.info(`reconnecting: ${why.error.message}`);
    this.#lost("signal");
    if (this.#secret !== undefined) this.#rejoiner.socketLost();
    void this.#run(why);
  }

  async #run(why: Ending): Promise<void> {
    if (this.#running) return; // it looks for itself
    this.#running = true;
    let spent = 0;
    let failure: Ending | undefined = why;
    for (let attempt = 0; failure; attempt++) {
      const begun = Date.now();
      await this.#pause(attempt === 0 && isBusy(failure) ? BUSY_DELAY : (DELAYS[attempt] ?? DELAYS[5]));
      if (this.#session.ending) return;
      failure = await this.#attempt();
      if (this.#session.ending) return;
      if (!failure && this.#session.channel.suspended) {
        failure = this.#session.channel.failure ?? why;
        attempt = 0;
      }
      // Time asleep does not count.
      spent += Math.min(Date.now() - begun, DELAYS[5] + 3 * ATTEMPT_TIMEOUT);
      const isOver = spent > (this.#options.giveUpAfter ?? GIVE_UP_AFTER) * 1000;
      if (failure && (!failure.mayReturn || isOver)) {
        void this.#session.end(failure);
        return;
      }
    }
    this.#running = false;
    this.#tokenRenewed = false;
    this.#restored("signal");
    this.#rejoiner.networkChanged();
  }

  /** Waits, for less if there is a sign of the network. Shortened at random, so that not all clients come at once. */
  #pause(delay: number): Promise<void> {
    if (delay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), delay * (0.5 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** Tries once. Resolves with why it failed; `mayReturn` says whether it may be tried again. */
  async #attempt(): Promise<Ending | undefined> {
    try {
      if (this.#tokens.isStale) await this.#tokens.renew();
      await this.#open();
      if (!(await this.#resume())) {
        await this.#rejoiner.rejoin();
        this.#resumed = false;
        this.#troubles.delete("media");
      }
      return undefined;
    } catch (error) {
      const failure = await this.#verdict(error);
      if (!this.#session.ending) this.#session.channel.suspend();
      return failure;
    }
  }

  #open(): Promise<void> {
    const { channel } = this.#session;
    const begun = Date.now();
    const timer = setTimeout(() => channel.suspend(), ATTEMPT_TIMEOUT);
    this.#wake = () => {
      if (this.#session.ending || Date.now() - begun > STUCK) channel.suspend();
    };
    return channel.reopen().finally(() => {
      clearTimeout(timer);
      this.#wake = undefined;
    });
  }

  /** Reports false if there is nothing to resume. */
  async #resume(): Promise<boolean> {
    const { channel, state } = this.#session;
    if (this.#secret === undefined) return false;
    const { localParticipantId: participant_id } = state;
    const position = { participant_id, secret: this.#secret, seq: channel.lastSeq };
    try {
      await channel.handshake(
        "resume",
        { version: 1, token: this.#tokens.token, ...position },
        (reply) => {
          this.#tokens.accepted(reply.token_expires_at);
          if (reply.snapshot) this.#session.apply({ type: "resynced", ...reply.snapshot });
          channel.resume(reply.received, reply.seq);
          this.#rejoiner.resumed(reply);
        },
        ATTEMPT_TIMEOUT,
      );
      return true;
    } catch (error) {
      if (!isNotResumable(error)) throw error;
      this.#secret = undefined;
      return false;
    }
  }

  async #verdict(error: unknown): Promise<Ending> {
    const why = this.#session.channel.failure ?? endingOfError(error);
    if (why.reason === "unauthorized" && !this.#tokenRenewed) {
      this.#tokenRenewed = true;
      try {
        if (await this.#tokens.renew()) return { ...why, mayReturn: true };
      } catch (cause) {
        const failure = new RoomError("unauthorized", "the token could not be refreshed", { cause });
        if (!this.#session.ending) this.#session.fail(failure);
        this.#tokenRenewed = false;
        return { reason: "unauthorized", error: failure, mayReturn: true };
      }
    }
    return { ...why, mayReturn: why.mayReturn ?? isPassing(why.error) };
  }

  #lost(what: "signal" | "media"): void {
    const isFirst = this.#troubles.size === 0;
    this.#troubles.add(what);
    if (!isFirst) return;
    this.#resumed = true;
    this.#session.apply({ type: "connection_lost", status: this.#options.status === true });
  }

  #restored(what: "signal" | "media"): void {
    if (!this.#troubles.delete(what) || this.#troubles.size > 0 || this.#session.ending) return;
    this.#session.apply({ type: "connection_restored", resumed: this.#resumed });
  }
}

function lostBy(code: ErrorCode, message: string): Ending {
  return { ...ending("network_error", code, message), mayReturn: true };
}

function isBusy({ error }: Ending): boolean {
  return error.code === "unavailable" || error.code === "overloaded";
}

/** What may be otherwise the next time. */
function isPassing({ code }: RoomError): boolean {
  return ["unavailable", "overloaded", "timed_out", "network_error"].includes(code);
}

function isNotResumable(error: unknown): boolean {
  return error instanceof RoomError && (error.cause as Refusal | undefined)?.code === "not_resumable";
}
