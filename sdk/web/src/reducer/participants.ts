import type { ParticipantFrame } from "../signal/frames.js";
import type { Participant, State } from "../state.js";
import { lastState, type Step, step } from "./change.js";
import { streamGone } from "./streams.js";

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

export function remoteParticipant(frame: ParticipantFrame): Participant {
  return {
    id: frame.id,
    origin: "remote",
    ...(frame.context !== undefined && { context: frame.context }),
    streams: {},
    canReceiveMessages: frame.receives_messages,
    ...(frame.connection_lost === true && { isConnectionLost: true as const }),
    ...(frame.watcher === true && { isWatcher: true as const }),
  };
}
