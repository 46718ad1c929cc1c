import type { State, Stream, Subscription } from "../state.js";
import type { ReceivedTracks } from "./change.js";

/** The stream that a participant publishes under a key. */
export function streamOf(state: State, participantId: string, key: string): Stream | undefined {
  const streams = state.participants.get(participantId)?.streams;
  return streams && Object.hasOwn(streams, key) ? state.streams.get(streams[key] as string) : undefined;
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

export function withSubscription(state: State, subscription: Subscription): State["subscriptions"] {
  const keys = new Map(state.subscriptions.get(subscription.participantId));
  keys.set(subscription.key, subscription);
  return new Map(state.subscriptions).set(subscription.participantId, keys);
}
