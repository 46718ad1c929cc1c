export type { Device, Devices } from "./devices.js";
export { getDevices } from "./devices.js";
export type { ErrorCode } from "./errors.js";
export { RoomError } from "./errors.js";
export type { Events } from "./events.js";
export { initialize } from "./initialize.js";
export type { LogFunction, Logger, LogLevel } from "./log.js";
export type { Message } from "./messages.js";
export type { ConnectionQuality, NetworkMetrics, ParticipantMetrics, TrackQuality } from "./metrics.js";
export type { InitializeConfig, StreamTracks, SubscriptionConfig, VideoPublishOptions } from "./options.js";
export type { Room, StreamStats } from "./room.js";
export type {
  DisconnectReason,
  Participant,
  State,
  Status,
  Stream,
  Subscription,
  TrackKind,
} from "./state.js";
export { version } from "./version.js";
