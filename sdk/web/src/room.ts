import type { Events } from "./events.js";
import type { Message } from "./messages.js";
import type { StreamTracks, SubscriptionConfig } from "./options.js";
import type { Participant, State, Stream } from "./state.js";

/** The browser's statistics of one stream: kind to report id to statistics object. */
export interface StreamStats {
  senders: { audio?: Record<string, unknown>; video?: Record<string, unknown> };
  receivers: { audio?: Record<string, unknown>; video?: Record<string, unknown> };
}

/** One stay of one participant in one room. `initialize` makes it; it cannot be used again after `disconnected`. */
export declare class Room {
  readonly id: string;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  updateClientToken(token: string): Promise<void>;
  on<E extends keyof Events>(event: E, callback: Events[E]): () => void;
  getState(): State;
  getLocalParticipant(): Participant;
  getLocalStreams(): Record<string, Stream>;
  getParticipantStream(participantId: string, key: string): Stream | undefined;
  getParticipantStreams(participantId: string): Map<string, Stream>;
  addStream(key: string, tracks?: StreamTracks): Promise<void>;
  updateStream(key: string, tracks?: StreamTracks): Promise<void>;
  removeStream(key: string): Promise<void>;
  addSubscription(participantId: string, key: string, config: SubscriptionConfig): Promise<void>;
  updateSubscription(participantId: string, key: string, config: SubscriptionConfig): Promise<void>;
  removeSubscription(participantId: string, key: string): Promise<void>;
  sendMessage(message: Message, recipients?: string[]): Promise<string[]>;
  enableNetworkMetricsReport(participantIds: string[], options?: { includeStreams?: boolean }): Promise<void>;
  disableNetworkMetricsReport(participantIds?: string[]): Promise<void>;
  getWebRTCStatsForStream(participantId: string, key: string): Promise<StreamStats>;
}
