import type { State, Subscription } from "../state.js";
import { type Change, lastState, type ReceivedTracks, type Step, step } from "./change.js";
import { streamOf, withStream, withSubscription, withTracks } from "./entries.js";

export function subscribed(state: State, change: Extract<Change, { type: "subscribed" }>): Step[] {
  const stream = state.streams.get(change.streamId);
  if (!stream) return [];
  const { participantId, key } = stream;
  const before = state.subscriptions.get(participantId)?.get(key);
  const { audio, video } = change;
  const after = { ...before, id: before?.id ?? change.subscriptionId, participantId, key, audio, video };
  const next = { ...state, subscriptions: withSubscription(state, after) };
  return [before ? step(next, ["subscription_reconfigured", participantId, key]) : step(next)];
}

export function unsubscribed(state: State, streamId: string): Step[] {
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
export function tracksReceived(state: State, received: ReadonlyMap<string, ReceivedTracks>): Step[] {
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
