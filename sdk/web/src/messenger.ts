import { requireIds } from "./arguments.js";
import { RoomError } from "./errors.js";
import type { LossyChannel } from "./media/lossy-channel.js";
import { base64Of, checkedData, checkedMessage, type DataOptions, type Message } from "./messages.js";
import type { Session } from "./session.js";

/** What a messenger sends over, as it is at present. */
export interface MessageWays {
  /** How many bytes the server takes in one message. */
  readonly limit: number;
  readonly lossy: LossyChannel | undefined;
}

/** Sends messages and data, and counts what the server has not accepted yet. */
export class Messenger {
  readonly #session: Session;
  readonly #isEnabled: boolean;
  readonly #ways: () => MessageWays;
  #buffered = 0;

  constructor(session: Session, isEnabled: boolean, ways: () => MessageWays) {
    this.#session = session;
    this.#isEnabled = isEnabled;
    this.#ways = ways;
  }

  /** In bytes. */
  get buffered(): number {
    return this.#buffered;
  }

  async sendMessage(message: Message, recipients: string[]): Promise<string[]> {
    this.#requireEnabled();
    const { copy, size } = checkedMessage(message, this.#ways().limit);
    requireIds("recipients", recipients);
    this.#session.require("connected");
    return this.#buffer(size, () =>
      this.#session.channel.request("send_message", {
        message: copy,
        ...(recipients.length > 0 && { recipients }),
      }),
    );
  }

  async sendData(
    data: Uint8Array | ArrayBuffer,
    { reliable = true, topic = "", recipients = [] }: DataOptions,
  ): Promise<string[]> {
    this.#requireEnabled();
    requireIds("recipients", recipients);
    const { limit, lossy } = this.#ways();
    const bytes = checkedData(data, topic, recipients, reliable ? limit : undefined);
    this.#session.require("connected");
    if (!reliable) {
      lossy?.send(bytes, topic, recipients);
      return [];
    }
    return this.#buffer(bytes.length, () =>
      this.#session.channel.request("send_data", {
        data: base64Of(bytes),
        ...(topic && { topic }),
        ...(recipients.length > 0 && { recipients }),
      }),
    );
  }

  #requireEnabled(): void {
    if (this.#isEnabled) return;
    throw new RoomError("messages_disabled", "the room was initialized without enableMessages: true");
  }

  async #buffer(size: number, send: () => Promise<{ not_delivered: string[] }>): Promise<string[]> {
    this.#buffered += size;
    try {
      return (await send()).not_delivered;
    } finally {
      this.#buffered -= size;
    }
  }
}
