import type { Events } from "./events.js";
import { bytesOf, type Message } from "./messages.js";
import { rejoined, resynced } from "./resync.js";
import type { Notice, ParticipantFrame, SnapshotFrame, StreamFrame } from "./signal/frames.js";
import {
  type DisconnectReason,
  isInside,
  type Participant,
  type State,
  type Stream,
  type Subscription,
  type TrackKind,
} from "./state.js";

/** The tracks that the receive lines of one stream carry. */
export interface ReceivedTracks {
  audioTrack?: MediaStreamTrack;
  videoTrack?: MediaStreamTrack;
}

/** The tracks of a local stream and whether they are switched on. */
export interface SentTracks extends ReceivedTracks {
  isAudioEnabled: boolean;
  isVideoEnabled: boolean;
}

/** Everything that can change a state or be told along with one: the notices of the server, and what this client did. */
export type Change =
  | Notice
  | { type: "connecting" }
  | ({ type: "joined"; mixedAudioTrack?: MediaStreamTrack | undefined } & SnapshotFrame)
  | ({ type: "resynced" } & SnapshotFrame)
  | ({ type: "rejoined"; localParticipantId: string } & SnapshotFrame)
  | { type: "connection_lost"; status: boolean }
  | { type: "connection_restored"; resumed: boolean }
  | { type: "local_stream_added"; streamId: string; key: string; tracks: SentTracks }
  | { type: "local_stream_configured"; streamId: string }
  | { type: "local_stream_changed"; streamId: string; tracks: SentTracks }
  | { type: "local_stream_removed"; streamId: string }
  | { type: "subscribed"; streamId: string; subscriptionId: string; audio: boolean; video: boolean }
  | { type: "unsubscribed"; streamId: string }
  | { type: "tracks_received"; streams: ReadonlyMap<string, ReceivedTracks> }
  | { type: "audio_blocked"; blocked: boolean }
  | { type: "told"; event: Emission }
  | { type: "ended"; reason: DisconnectReason };

type WithoutState<A extends unknown[]> = A extends [...infer Rest, State] ? Rest : A;

/** An event and its arguments, without the state that is added when it is emitted. */
export type Emission = {
  [E in Exclude<keyof Events, "state_changed">]: readonly [E, ...WithoutState<Parameters<Events[E]>>];
}[Exclude<keyof Events, "state_changed">];

/** One state and the events that are told with it. */
export interface Step {
  state: State;
  events: Emission[];
}

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

/** The state after all steps. */
export function lastState(state: State, steps: Step[]): State {
  return steps.at(-1)?.state ?? state;
}

function step(state: State, ...events: Emission[]): Step {
  return { state, events };
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

export function participantJoined(state: State, frame: ParticipantFrame): Step[] {
  if (state.participants.has(frame.id)) return [];
  const participants = new Map(state.participants).set(frame.id, remoteParticipant(frame));
  return [step({ ...state, participants }, ["participant_joined", frame.id])];
}

export function connectionChanged(state: State, id: string, connected: boolean): Step[] {
  const participant = state.participants.get(id);
  if (!participant || connected === !participant.isConnectionLost) return [];
  const { isConnectionLost: _, ...there } = participant;
  const after: Participant = connected ? there : { ...there, isConnectionLost: true };
  const participants = new Map(state.participants).set(id, after);
  return [step({ ...state, participants }, ["participant_connection_changed", id, connected])];
}

export function participantLeft(state: State, id: string, reason: string): Step[] {
  const participant = state.participants.get(id);
  // That this client was put out is told by the close of the connection.
  if (!participant || id === state.localParticipantId) return [];
  const steps = [step(state, ["participant_leaving", id, reason === "kicked" ? "kicked" : null])];
  for (const streamId of Object.values(participant.streams)) {
    steps.push(...streamGone(lastState(state, steps), streamId));
  }
  const before = lastState(state, steps);
  const participants = new Map(before.participants);
  participants.delete(id);
  steps.push(step({ ...before, participants }, ["participant_left", id]));
  if (before.dominantSpeakerId === id) steps.push(...dominantSpeaker(lastState(state, steps), null));
  return steps;
}

export function dominantSpeaker(state: State, id: string | null): Step[] {
  if (state.dominantSpeakerId === id) return [];
  return [step({ ...state, dominantSpeakerId: id }, ["dominant_speaker_changed", id])];
}

export function streamPublished(state: State, frame: StreamFrame): Step[] {
  const next = withRemoteStream(state, frame);
  return next === state ? [] : [step(next, ["stream_published", frame.participant_id, frame.key])];
}

export function streamUpdated(state: State, frame: StreamFrame): Step[] {
  const stream = state.streams.get(frame.id);
  if (!stream) return [];
  const censored = { isAudioCensored: frame.audio.censored, isVideoCensored: frame.video.censored };
  // What this client switched on is its own word; the echo of an earlier one must not undo it.
  if (stream.origin === "local") return streamChanged(state, frame.id, censored);
  return streamChanged(state, frame.id, {
    isAudioEnabled: frame.audio.enabled,
    isVideoEnabled: frame.video.enabled,
    ...censored,
  });
}

function localStreamAdded(state: State, change: Extract<Change, { type: "local_stream_added" }>): Step[] {
  return [
    step(
      withStream(state, {
        id: change.streamId,
        key: change.key,
        participantId: state.localParticipantId,
        origin: "local",
        isAudioCensored: false,
        isVideoCensored: false,
        isConfigured: false,
        ...change.tracks,
      }),
    ),
  ];
}

function localStreamConfigured(state: State, streamId: string): Step[] {
  const stream = state.streams.get(streamId);
  if (!stream || stream.isConfigured) return [];
  const next = withStream(state, { ...stream, isConfigured: true });
  // A moderator may have silenced it before it was there.
  const open = { ...stream, isAudioCensored: false, isVideoCensored: false };
  return [step(next, ["stream_published", stream.participantId, stream.key], ...flagEvents(open, stream))];
}

/** Sets fields of a stream and tells which flags changed by it, if the stream was told of already. */
function streamChanged(state: State, streamId: string, fields: Partial<Stream>): Step[] {
  const before = state.streams.get(streamId);
  if (!before) return [];
  const after = { ...before, ...fields };
  if ((Object.keys(fields) as (keyof Stream)[]).every((name) => before[name] === after[name])) return [];
  const announced = before.origin === "remote" || before.isConfigured;
  return [step(withStream(state, after), ...(announced ? flagEvents(before, after) : []))];
}

function flagEvents(before: Stream, after: Stream): Emission[] {
  const events: Emission[] = [];
  const tell = (name: Emission[0] & `track_${string}`, kind: TrackKind) =>
    events.push([name, after.participantId, after.key, kind]);
  for (const [kind, enabled, censored] of flags) {
    if (before[enabled] !== after[enabled]) tell(after[enabled] ? "track_enabled" : "track_disabled", kind);
    if (before[censored] !== after[censored]) {
      tell(after[censored] ? "track_censored" : "track_uncensored", kind);
    }
  }
  return events;
}

const flags = [
  ["audio", "isAudioEnabled", "isAudioCensored"],
  ["video", "isVideoEnabled", "isVideoCensored"],
] as const;

/** A stream goes: first its subscription, then the stream itself. */
export function streamGone(state: State, streamId: string): Step[] {
  const stream = state.streams.get(streamId);
  if (!stream) return [];
  const steps = unsubscribed(state, streamId);
  const before = lastState(state, steps);
  const streams = new Map(before.streams);
  streams.delete(streamId);
  const participants = new Map(before.participants);
  const owner = participants.get(stream.participantId);
  if (owner) {
    const { [stream.key]: _, ...rest } = owner.streams;
    participants.set(owner.id, { ...owner, streams: rest });
  }
  const announced = stream.origin === "remote" || stream.isConfigured;
  const events: Emission[] = announced ? [["stream_unpublished", stream.participantId, stream.key]] : [];
  steps.push(step({ ...before, streams, participants }, ...events));
  return steps;
}

function subscribed(state: State, change: Extract<Change, { type: "subscribed" }>): Step[] {
  const stream = state.streams.get(change.streamId);
  if (!stream) return [];
  const { participantId, key } = stream;
  const before = state.subscriptions.get(participantId)?.get(key);
  const { audio, video } = change;
  const after = { ...before, id: before?.id ?? change.subscriptionId, participantId, key, audio, video };
  const next = { ...state, subscriptions: withSubscription(state, after) };
  return [before ? step(next, ["subscription_reconfigured", participantId, key]) : step(next)];
}

function unsubscribed(state: State, streamId: string): Step[] {
  const stream = state.streams.get(streamId);
  const ofParticipant = stream && state.subscriptions.get(stream.participantId);
  if (!stream || !ofParticipant?.has(stream.key)) return [];
  const keys = new Map(ofParticipant);
  keys.delete(stream.key);
  const subscriptions = new Map(state.subscriptions);
  if (keys.size > 0) subscriptions.set(stream.participantId, keys);
  else subscriptions.delete(stream.participantId);
  const next = { ...withStream(state, withTracks(stream, {}, false)), subscriptions };
  return [step(next, ["subscription_ended", stream.participantId, stream.key])];
}

export function subscriptionPaused(state: State, streamId: string, paused: boolean): Step[] {
  const stream = state.streams.get(streamId);
  const before = stream && state.subscriptions.get(stream.participantId)?.get(stream.key);
  if (!before || (before.videoPaused !== undefined) === paused) return [];
  const { videoPaused: _, ...flowing } = before;
  const after: Subscription = paused ? { ...flowing, videoPaused: "bandwidth" } : flowing;
  const next = { ...state, subscriptions: withSubscription(state, after) };
  const { participantId, key } = before;
  if (paused) return [step(next, ["subscription_paused", participantId, key, "bandwidth"])];
  return [step(next, ["subscription_resumed", participantId, key])];
}

/** Gives every subscribed stream the tracks of its lines, and takes them from those without lines. */
function tracksReceived(state: State, received: ReadonlyMap<string, ReceivedTracks>): Step[] {
  const steps: Step[] = [];
  for (const keys of state.subscriptions.values()) {
    for (const { participantId, key } of keys.values()) {
      const before = lastState(state, steps);
      const stream = streamOf(before, participantId, key);
      if (!stream) continue;
      const tracks = received.get(stream.id) ?? {};
      const isConfigured = Boolean(tracks.audioTrack && tracks.videoTrack);
      const { audioTrack, videoTrack } = tracks;
      if (audioTrack === stream.audioTrack && videoTrack === stream.videoTrack) continue;
      const next = withStream(before, withTracks(stream, tracks, isConfigured));
      const started = isConfigured && !stream.isConfigured;
      steps.push(started ? step(next, ["subscription_started", participantId, key]) : step(next));
    }
  }
  return steps;
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

/** The stream that a participant publishes under a key. */
export function streamOf(state: State, participantId: string, key: string): Stream | undefined {
  const streams = state.participants.get(participantId)?.streams;
  return streams && Object.hasOwn(streams, key) ? state.streams.get(streams[key] as string) : undefined;
}

function remoteParticipant(frame: ParticipantFrame): Participant {
  return {
    id: frame.id,
    origin: "remote",
    ...(frame.context !== undefined && { context: frame.context }),
    streams: {},
    canReceiveMessages: frame.receives_messages,
    ...(frame.connection_lost === true && { isConnectionLost: true as const }),
  };
}

function withRemoteStream(state: State, frame: StreamFrame): State {
  const isStranger = !state.participants.has(frame.participant_id);
  if (isStranger || frame.participant_id === state.localParticipantId || state.streams.has(frame.id)) {
    return state;
  }
  return withStream(state, {
    id: frame.id,
    key: frame.key,
    participantId: frame.participant_id,
    origin: "remote",
    isAudioEnabled: frame.audio.enabled,
    isVideoEnabled: frame.video.enabled,
    isAudioCensored: frame.audio.censored,
    isVideoCensored: frame.video.censored,
    isConfigured: false,
  });
}

/** Puts a stream into the state, and into the list of its owner if it is new. */
export function withStream(state: State, stream: Stream): State {
  const streams = new Map(state.streams).set(stream.id, stream);
  const owner = state.participants.get(stream.participantId);
  if (!owner || (Object.hasOwn(owner.streams, stream.key) && owner.streams[stream.key] === stream.id)) {
    return { ...state, streams };
  }
  const grown = { ...owner, streams: { ...owner.streams, [stream.key]: stream.id } };
  return { ...state, streams, participants: new Map(state.participants).set(owner.id, grown) };
}

export function withTracks(stream: Stream, tracks: ReceivedTracks, isConfigured: boolean): Stream {
  const { audioTrack: _a, videoTrack: _v, ...bare } = stream;
  return {
    ...bare,
    ...(tracks.audioTrack && { audioTrack: tracks.audioTrack }),
    ...(tracks.videoTrack && { videoTrack: tracks.videoTrack }),
    isConfigured,
  };
}

function withSubscription(state: State, subscription: Subscription): State["subscriptions"] {
  const keys = new Map(state.subscriptions.get(subscription.participantId));
  keys.set(subscription.key, subscription);
  return new Map(state.subscriptions).set(subscription.participantId, keys);
}
