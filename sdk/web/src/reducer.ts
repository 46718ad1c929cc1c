import { bytesOf, type Message } from "./messages.js";
import { type Change, type Step, step } from "./reducer/change.js";
import {
  connectionChanged,
  dominantSpeaker,
  participantJoined,
  participantLeft,
  remoteParticipant,
} from "./reducer/participants.js";
import { rejoined, resynced } from "./reducer/resync.js";
import {
  localStreamAdded,
  localStreamConfigured,
  streamChanged,
  streamGone,
  streamPublished,
  streamUpdated,
  withRemoteStream,
} from "./reducer/streams.js";
import { subscribed, subscriptionPaused, tracksReceived, unsubscribed } from "./reducer/subscriptions.js";
import { type DisconnectReason, isInside, type Participant, type State } from "./state.js";

/** The state of a room that was not entered yet. */
export function initialState(local: Participant): State {
  return {
    status: "initialized",
    localParticipantId: local.id,
    participants: new Map([[local.id, local]]),
    streams: new Map(),
    subscriptions: new Map(),
    recording: false,
    dominantSpeakerId: null,
    audioBlocked: false,
  };
}

/**
 * Applies a change. The steps are to be shown one after another: each state with its events, so that no event is ahead of or
 * behind its effect. A change that changes nothing has no steps. Pure: old states stay as they are.
 */
export function reduce(state: State, change: Change): Step[] {
  switch (change.type) {
    case "connecting":
      return [step({ ...state, status: "connecting" })];
    case "joined":
      return joined(state, change);
    case "participant_joined":
      return participantJoined(state, change.participant);
    case "participant_left":
      return participantLeft(state, change.participant_id, change.reason);
    case "connection_changed":
      return connectionChanged(state, change.participant_id, change.connected);
    case "resynced":
      return resynced(state, change);
    case "rejoined":
      return rejoined(state, change);
    case "connection_lost":
      return [step(change.status ? { ...state, status: "reconnecting" } : state, ["reconnecting"])];
    case "connection_restored":
      return [
        step(
          isInside(state.status) && state.status !== "connected" ? { ...state, status: "connected" } : state,
          ["reconnected", { resumed: change.resumed }],
        ),
      ];
    case "stream_published":
      return streamPublished(state, change.stream);
    case "stream_updated":
      return streamUpdated(state, change.stream);
    case "stream_unpublished":
      return streamGone(state, change.stream_id);
    case "recording_changed":
      if (state.recording === change.recording) return [];
      return [step({ ...state, recording: change.recording }, ["recording_changed", change.recording])];
    case "speakers":
      return dominantSpeaker(state, change.dominant);
    case "local_stream_added":
      return localStreamAdded(state, change);
    case "local_stream_configured":
      return localStreamConfigured(state, change.streamId);
    case "local_stream_changed":
      return streamChanged(state, change.streamId, { ...change.tracks });
    case "local_stream_removed":
      return streamGone(state, change.streamId);
    case "subscribed":
      return subscribed(state, change);
    case "unsubscribed":
      return unsubscribed(state, change.streamId);
    case "subscription_paused":
      return subscriptionPaused(state, change.stream_id, change.paused);
    case "tracks_received":
      return tracksReceived(state, change.streams);
    case "message":
      return [step(state, ["message_received", change.from, change.message as Message, change.recipients])];
    case "data": {
      const { topic, recipients } = change;
      const data = bytesOf(change.data);
      const message = { data, topic, reliable: true, isPrivate: recipients.length > 0 };
      return [step(state, ["data_received", change.from, message])];
    }
    case "audio_blocked":
      if (state.audioBlocked === change.blocked) return [];
      return [step({ ...state, audioBlocked: change.blocked }, ["audio_blocked_changed", change.blocked])];
    case "told":
      return [step(state, change.event)];
    case "ended":
      return ended(state, change.reason);
    default:
      // `lines_wanted`, `layers_wanted` and `receive` are the media's business, and notices of later servers are nobody's.
      return [];
  }
}

function joined(state: State, snapshot: Extract<Change, { type: "joined" }>): Step[] {
  const participants = new Map(state.participants);
  for (const frame of snapshot.participants) {
    if (frame.id !== state.localParticipantId) participants.set(frame.id, remoteParticipant(frame));
  }
  let next: State = {
    ...state,
    participants,
    recording: snapshot.recording === true,
    dominantSpeakerId: snapshot.speakers?.dominant ?? null,
  };
  for (const frame of snapshot.streams) next = withRemoteStream(next, frame);
  if (snapshot.mixedAudioTrack) next = { ...next, mixedAudioTrack: snapshot.mixedAudioTrack };
  return [step({ ...next, status: "connected" }, ["connected"])];
}

function ended(state: State, reason: DisconnectReason): Step[] {
  const local = state.participants.get(state.localParticipantId) as Participant;
  const steps: Step[] = [];
  if (reason === "kicked" && isInside(state.status)) {
    steps.push(step(state, ["participant_leaving", local.id, "kicked"]));
  }
  const emptied: State = { ...initialState({ ...local, streams: {} }), status: "disconnected" };
  steps.push(step(emptied, ["disconnected", reason]));
  return steps;
}
