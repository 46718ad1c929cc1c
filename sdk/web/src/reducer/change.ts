import type { Events } from "../events.js";
import type { Notice, SnapshotFrame } from "../signal/frames.js";
import type { DisconnectReason, State } from "../state.js";

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

/** The state after all steps. */
export function lastState(state: State, steps: Step[]): State {
  return steps.at(-1)?.state ?? state;
}

export function step(state: State, ...events: Emission[]): Step {
  return { state, events };
}
