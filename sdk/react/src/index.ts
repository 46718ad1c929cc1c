export {
  AudioRenderer,
  StartAudio,
  type StartAudioProps,
  VideoTrack,
  type VideoTrackProps,
} from "./components.js";
export { type RoomConnection, useRoomConnection } from "./connection.js";
export { RoomProvider, type RoomProviderProps, useRoom } from "./context.js";
export { useDevices } from "./devices.js";
export {
  type Failure,
  type LocalMediaControls,
  type UseLocalMediaOptions,
  useLocalMedia,
} from "./local-media.js";
export { type Messages, type ReceivedMessage, useMessages } from "./messages.js";
export {
  useDominantSpeaker,
  useLocalParticipant,
  useParticipant,
  useParticipants,
  useSpeakers,
} from "./participants.js";
export { useAudioBlocked, useConnectionState, useRoomEvent, useRoomState } from "./state.js";
export { type Track, useStream, useStreams, useSubscription, useTrack } from "./streams.js";
