export type { Device, Devices } from "./devices.js";
export { getDevices, watchDevices } from "./devices.js";
export { Encryption } from "./e2ee/encryption.js";
export type { ErrorCode } from "./errors.js";
export { RoomError } from "./errors.js";
export type { Events } from "./events.js";
export { initialize } from "./initialize.js";
export type { DeviceKind, LocalDevice } from "./local/device.js";
export type { LocalMediaEvents, LocalMediaOptions, LocalMediaState } from "./local/local-media.js";
export { LocalMedia } from "./local/local-media.js";
export type { Publication, PublicationOptions } from "./local/publication.js";
export type { LocalScreen, ScreenOptions } from "./local/screen.js";
export type { LogFunction, Logger, LogLevel } from "./log.js";
export type { DataMessage, DataOptions, Message } from "./messages.js";
export type { ConnectionQuality, NetworkMetrics, ParticipantMetrics, TrackQuality } from "./metrics.js";
export type {
  AudioPublishOptions,
  InitializeConfig,
  ReconnectOptions,
  StreamTracks,
  SubscriptionConfig,
  VideoCodec,
  VideoPublishOptions,
} from "./options.js";
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
