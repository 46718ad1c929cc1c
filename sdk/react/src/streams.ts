import type { Room, RoomError, Stream, SubscriptionConfig, TrackKind } from "@rotunda/video";
import { useEffect, useMemo, useState } from "react";
import { useRoom } from "./context.js";
import { useRoomState } from "./state.js";

/** All streams in the room, local and remote. `key` takes those of one key, such as `presentation`. */
export function useStreams({ key }: { key?: string } = {}): readonly Stream[] {
  const streams = useRoomState((state) => state.streams);
  return useMemo(
    () => [...streams.values()].filter((stream) => key === undefined || stream.key === key),
    [streams, key],
  );
}

/** What a participant publishes under a key (`self` unless said otherwise); undefined while that is nothing. */
export function useStream(participantId: string | undefined, key = "self"): Stream | undefined {
  return useRoomState(({ participants, streams }) => {
    const keys = participantId === undefined ? undefined : participants.get(participantId)?.streams;
    const id = keys && Object.hasOwn(keys, key) ? keys[key] : undefined;
    return id === undefined ? undefined : streams.get(id);
  });
}

/** One kind of a stream. */
export interface Track {
  /** To be shown or played; undefined before it is subscribed, or published. */
  track: MediaStreamTrack | undefined;
  /** Its publisher has it switched on. */
  isEnabled: boolean;
  /** A moderator switched it off. */
  isCensored: boolean;
}

/** One kind of what a participant publishes under a key. */
export function useTrack(participantId: string | undefined, key: string, kind: TrackKind): Track {
  const stream = useStream(participantId, key);
  const [track, isEnabled, isCensored] =
    kind === "audio"
      ? [stream?.audioTrack, stream?.isAudioEnabled, stream?.isAudioCensored]
      : [stream?.videoTrack, stream?.isVideoEnabled, stream?.isVideoCensored];
  return useMemo(
    () => ({ track, isEnabled: isEnabled ?? false, isCensored: isCensored ?? false }),
    [track, isEnabled, isCensored],
  );
}

/**
 * Receives a stream while the component is there, from when it is published. Several components may receive the same one: it
 * ends with the last of them, and what was asked for last counts. `null` for the config asks for nothing.
 */
export function useSubscription(
  participantId: string,
  key = "self",
  config: SubscriptionConfig | null = { audio: true, video: true },
): { stream: Stream | undefined; error: RoomError | undefined } {
  const room = useRoom();
  const stream = useStream(participantId, key);
  const [error, setError] = useState<RoomError>();
  const streamId = stream?.origin === "remote" ? stream.id : undefined;
  const wish = config && JSON.stringify(config);

  const wanted = streamId !== undefined && wish !== null;
  useEffect(() => {
    if (!wanted || streamId === undefined) return;
    return hold(room, streamId, () => drop(room, participantId, key, streamId));
  }, [room, participantId, key, streamId, wanted]);

  useEffect(() => {
    if (streamId === undefined || wish === null) return;
    let current = true;
    room.addSubscription(participantId, key, JSON.parse(wish) as SubscriptionConfig).then(
      () => {
        if (current) setError(undefined);
        // Everybody may have let go while it was being subscribed.
        if (!holders.get(room)?.has(streamId)) drop(room, participantId, key, streamId);
      },
      (failure: RoomError) => current && setError(failure),
    );
    return () => {
      current = false;
    };
  }, [room, participantId, key, streamId, wish]);
  return { stream, error };
}

const holders = new WeakMap<Room, Map<string, number>>();

/** Counts who wants a stream; calls back after the last one let go. */
function hold(room: Room, streamId: string, last: () => void): () => void {
  const counts = holders.get(room) ?? new Map<string, number>();
  holders.set(room, counts);
  counts.set(streamId, (counts.get(streamId) ?? 0) + 1);
  return () => {
    const left = (counts.get(streamId) ?? 1) - 1;
    if (left > 0) counts.set(streamId, left);
    else {
      counts.delete(streamId);
      last();
    }
  };
}

/** Ends a subscription, unless it, its stream or the room ended before. */
function drop(room: Room, participantId: string, key: string, streamId: string): void {
  if (!room.getState().streams.has(streamId)) return;
  room.removeSubscription(participantId, key).catch(() => {});
}
