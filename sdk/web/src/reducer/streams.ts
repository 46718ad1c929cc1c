import type { StreamFrame } from "../signal/frames.js";
import type { State, Stream, TrackKind } from "../state.js";
import { type Change, type Emission, lastState, type Step, step } from "./change.js";
import { withStream } from "./entries.js";
import { unsubscribed } from "./subscriptions.js";

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

export function localStreamAdded(
  state: State,
  change: Extract<Change, { type: "local_stream_added" }>,
): Step[] {
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

export function localStreamConfigured(state: State, streamId: string): Step[] {
  const stream = state.streams.get(streamId);
  if (!stream || stream.isConfigured) return [];
  const next = withStream(state, { ...stream, isConfigured: true });
  // A moderator may have silenced it before it was there.
  const open = { ...stream, isAudioCensored: false, isVideoCensored: false };
  return [step(next, ["stream_published", stream.participantId, stream.key], ...flagEvents(open, stream))];
}

/** Sets fields of a stream and tells which flags changed by it, if the stream was told of already. */
export function streamChanged(state: State, streamId: string, fields: Partial<Stream>): Step[] {
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

export function withRemoteStream(state: State, frame: StreamFrame): State {
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
