import type { RoomError } from "./errors.js";
import type { DataMessage, Message } from "./messages.js";
import type { NetworkMetrics } from "./metrics.js";
import type { DisconnectReason, State, TrackKind } from "./state.js";

/**
 * The events of a room and the listeners they take. The last argument is the state after the change (`state_changed` has no
 * other; `network_metrics_report` has none). For one change: the state is replaced, `state_changed` fires, then the
 * specific event. All but `state_changed` and `disconnected` fire only while the status is `connected`.
 */
export interface Events {
  /** Anything in the state changed. */
  state_changed: (state: State) => void;
  /** The room was entered. Fires once. */
  connected: (state: State) => void;
  /** The room ended, by whatever cause. Fires once; nothing fires after it. */
  disconnected: (reason: DisconnectReason, state: State) => void;
  /** The connection to the server, or that of the media, is lost, and the SDK works on it. The state stays as it is. */
  reconnecting: (state: State) => void;
  /**
   * It is back. `resumed`: as if nothing had happened; what was missed was told by its own events. If not, this client is a new
   * participant: its id, and the ids of its streams, are new, and streams of others that are gone must be subscribed as they come.
   */
  reconnected: (how: { resumed: boolean }, state: State) => void;
  /** The server lost the connection of another participant, and waits for it (false), or it is back (true). */
  participant_connection_changed: (participantId: string, isConnected: boolean, state: State) => void;
  /** Another participant came. Not for those who were there before. */
  participant_joined: (participantId: string, state: State) => void;
  /** A participant begins to go; its streams are still in the state. For the local one only when it is kicked. */
  participant_leaving: (participantId: string, reason: "kicked" | null, state: State) => void;
  /** A participant and all its streams are out of the state. */
  participant_left: (participantId: string, state: State) => void;
  /** A stream appeared, remote or local. Not for those that were there before. */
  stream_published: (participantId: string, key: string, state: State) => void;
  /** A stream is gone, remote or local. Its subscription ended before. */
  stream_unpublished: (participantId: string, key: string, state: State) => void;
  /** The enabled flag of a kind became true, remote or local. */
  track_enabled: (participantId: string, key: string, kind: TrackKind, state: State) => void;
  /** The enabled flag of a kind became false, remote or local. */
  track_disabled: (participantId: string, key: string, kind: TrackKind, state: State) => void;
  /**
   * A track of this client ended by itself: its device was unplugged, or sharing was stopped in the browser. The kind is switched off for
   * everybody already, unless `updateStream` gave another track meanwhile.
   */
  local_track_ended: (key: string, kind: TrackKind, state: State) => void;
  /** A moderator silenced a kind, remote or local. */
  track_censored: (participantId: string, key: string, kind: TrackKind, state: State) => void;
  /** A moderator lifted it. */
  track_uncensored: (participantId: string, key: string, kind: TrackKind, state: State) => void;
  /** Recording began in the session or ended, of whomever. Not for what `connected` shows already: look at `state.recording`. */
  recording_changed: (recording: boolean, state: State) => void;
  /**
   * A pulse: the participant is speaking, as the server hears it. Repeats every two seconds while it lasts. The key is that of the stream
   * if that is local or subscribed with audio, and null for what is heard in the mix alone, of whichever streams of the participant.
   */
  audio_activity: (participantId: string, key: string | null, state: State) => void;
  /** The participant stopped speaking. The key is that of the pulses before. */
  audio_activity_ended: (participantId: string, key: string | null, state: State) => void;
  /** Someone else has the word, see `state.dominantSpeakerId`; null: nobody any more. */
  dominant_speaker_changed: (participantId: string | null, state: State) => void;
  /** The tracks of a subscribed stream are in the state. */
  subscription_started: (participantId: string, key: string, state: State) => void;
  /** The kinds of a subscription changed. */
  subscription_reconfigured: (participantId: string, key: string, state: State) => void;
  /** The picture of a subscription is not sent for now: the network carries too little. Its sound goes on. */
  subscription_paused: (participantId: string, key: string, reason: "bandwidth", state: State) => void;
  /** The picture is sent again. */
  subscription_resumed: (participantId: string, key: string, state: State) => void;
  /** The stream was withdrawn, or `removeSubscription` was called. */
  subscription_ended: (participantId: string, key: string, state: State) => void;
  /**
   * The browser began or ceased to hold back sound: `true` asks for a button that calls `startAudio()`. Look at `state.audioBlocked` as
   * well.
   */
  audio_blocked_changed: (blocked: boolean, state: State) => void;
  /** The device that plays the sound went away, and the default one took over. */
  audio_output_lost: (deviceId: string, state: State) => void;
  /** A message arrived; one's own messages to everybody arrive too. `recipients` is empty for a message to everybody. */
  message_received: (participantId: string, message: Message, recipients: string[], state: State) => void;
  /** Somebody sent bytes with `sendData`. */
  data_received: (participantId: string, message: DataMessage, state: State) => void;
  /** Every five seconds while enabled. */
  network_metrics_report: (metrics: NetworkMetrics) => void;
  /** Something failed that no pending promise can tell. */
  error: (error: RoomError, state: State) => void;
}
