import {
  type Change,
  connectionChanged,
  dominantSpeaker,
  lastState,
  participantJoined,
  participantLeft,
  type Step,
  streamGone,
  streamPublished,
  streamUpdated,
  subscriptionPaused,
  withStream,
  withTracks,
} from "./reducer.js";
import type { SnapshotFrame } from "./signal/frames.js";
import type { Participant, State } from "./state.js";

/**
 * Makes the state what a snapshot says it is, by the changes, and so with the events, that must have led there. What this client published
 * is in it too: a stream that is not was withdrawn.
 */
export function resynced(state: State, snapshot: SnapshotFrame): Step[] {
  const steps: Step[] = [];
  const take = (more: (before: State) => Step[]) => void steps.push(...more(lastState(state, steps)));
  const present = new Set(snapshot.participants.map(({ id }) => id));
  const streams = new Set(snapshot.streams.map(({ id }) => id));
  for (const id of state.participants.keys()) {
    if (!present.has(id)) take((before) => participantLeft(before, id, "left"));
  }
  for (const id of state.streams.keys()) if (!streams.has(id)) take((before) => streamGone(before, id));
  for (const frame of snapshot.participants) {
    if (frame.id === state.localParticipantId) continue;
    take((before) => participantJoined(before, frame));
    take((before) => connectionChanged(before, frame.id, frame.connection_lost !== true));
  }
  for (const frame of snapshot.streams) {
    take((before) =>
      before.streams.has(frame.id) ? streamUpdated(before, frame) : streamPublished(before, frame),
    );
  }
  take((before) => dominantSpeaker(before, snapshot.speakers?.dominant ?? null));
  const recording = snapshot.recording === true;
  if (recording !== state.recording) {
    take((before) => [{ state: { ...before, recording }, events: [["recording_changed", recording]] }]);
  }
  return steps;
}

/**
 * This client is in the room again as another participant, over another media connection: what it published is gone, and what it received of
 * streams that are still there begins anew.
 */
export function rejoined(state: State, change: Extract<Change, { type: "rejoined" }>): Step[] {
  const steps: Step[] = [];
  for (const [id, stream] of state.streams) {
    if (stream.origin === "local") steps.push(...streamGone(lastState(state, steps), id));
  }
  const before = lastState(state, steps);
  const local = before.participants.get(before.localParticipantId) as Participant;
  const participants = new Map(before.participants);
  participants.delete(local.id);
  participants.set(change.localParticipantId, { ...local, id: change.localParticipantId });
  let renamed: State = { ...before, participants, localParticipantId: change.localParticipantId };
  for (const stream of renamed.streams.values()) {
    if (stream.isConfigured) renamed = withStream(renamed, withTracks(stream, {}, false));
  }
  steps.push({ state: renamed, events: [] }, ...resynced(renamed, change));
  // Subscriptions begin unpaused.
  for (const id of renamed.streams.keys()) {
    steps.push(...subscriptionPaused(lastState(renamed, steps), id, false));
  }
  return steps;
}
