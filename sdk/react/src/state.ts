import type { Events, Room, State, Status } from "@rotunda/video";
import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import { useRoom } from "./context.js";

/**
 * The state of the room, or what `select` takes of it: the component renders again only when that is another value. `select` must give
 * parts of the state as they are; what it builds anew each time would never compare equal.
 */
export function useRoomState(): State;
export function useRoomState<T>(select: (state: State) => T): T;
export function useRoomState<T>(select?: (state: State) => T): T | State {
  const room = useRoom();
  const subscribe = useCallback((changed: () => void) => room.on("state_changed", changed), [room]);
  const read = () => (select ? select(room.getState()) : room.getState());
  return useSyncExternalStore(subscribe, read, read);
}

/** Where the room is in its life. */
export function useConnectionState(): Status {
  return useRoomState((state) => state.status);
}

/** Whether the browser holds back sound until the user touches the page: show a `StartAudio`, or call `room.startAudio()` in a click. */
export function useAudioBlocked(): boolean {
  return useRoomState((state) => state.audioBlocked);
}

/** Listens to an event of the room while the component is there. The callback may be another function each time. */
export function useRoomEvent<E extends keyof Events>(event: E, callback: Events[E]): void {
  useEventOf(useRoom(), event, callback);
}

/** @internal */
export function useEventOf<E extends keyof Events>(room: Room, event: E, callback: Events[E]): void {
  const latest = useRef(callback);
  useEffect(() => {
    latest.current = callback;
  });
  useEffect(() => {
    const call = (...args: unknown[]) => (latest.current as (...args: unknown[]) => void)(...args);
    return room.on(event, call as Events[E]);
  }, [room, event]);
}
