import type { Message } from "@rotunda/video";
import { useCallback, useEffect, useState } from "react";
import { useRoom } from "./context.js";
import { useRoomEvent } from "./state.js";

/** A message as it arrived. */
export interface ReceivedMessage {
  /** Counts up from 1; fit for a React key. */
  id: number;
  /** The participant who sent it, who may have left since. */
  from: string;
  /** What was said. */
  message: Message;
  /** Empty for a message to everybody. */
  recipients: string[];
  /** By the clock of this machine. */
  receivedAt: Date;
}

/** What `useMessages` gives. */
export interface Messages {
  /** In the order they arrived. */
  messages: readonly ReceivedMessage[];
  /** Sends to everybody, or to some. Resolves with those it did not reach; rejects with a `RoomError`. */
  send(message: Message | string, recipients?: string[]): Promise<string[]>;
}

/**
 * The messages that arrived while the component was there, the last `limit` of them (1,000 unless said otherwise). Needs a room made with
 * `enableMessages: true`. One's own messages to everybody arrive too; those to some do not.
 */
export function useMessages({ limit = 1_000 }: { limit?: number } = {}): Messages {
  const room = useRoom();
  const [messages, setMessages] = useState<readonly ReceivedMessage[]>([]);
  useRoomEvent("message_received", (from, message, recipients) =>
    setMessages((before) => {
      const id = (before.at(-1)?.id ?? 0) + 1;
      return [...before, { id, from, message, recipients, receivedAt: new Date() }].slice(-limit);
    }),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another room has other messages
  useEffect(() => setMessages([]), [room]);
  const send = useCallback(
    (message: Message | string, recipients?: string[]) =>
      room.sendMessage(
        typeof message === "string" ? { type: "text", payload: message } : message,
        recipients,
      ),
    [room],
  );
  return { messages, send };
}
