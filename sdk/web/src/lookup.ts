import { RoomError } from "./errors.js";
import { streamOf } from "./reducer/entries.js";
import type { Participant, State, Stream } from "./state.js";

/** Throws `participant_not_found`. */
export function requireParticipant(state: State, id: string): Participant {
  const participant = state.participants.get(id);
  if (!participant) {
    throw new RoomError("participant_not_found", `no participant ${JSON.stringify(id)} is in the room`);
  }
  return participant;
}

/** Throws `participant_not_found` or `stream_not_found`. */
export function requireStream(state: State, participantId: string, key: string): Stream {
  requireParticipant(state, participantId);
  const stream = streamOf(state, participantId, key);
  if (!stream) {
    throw new RoomError("stream_not_found", `the participant publishes nothing under ${JSON.stringify(key)}`);
  }
  return stream;
}
