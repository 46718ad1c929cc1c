import type { Room } from "@rotunda/video";
import { createContext, type ReactNode, useContext } from "react";

/** @internal */
export const RoomContext = createContext<Room | undefined>(undefined);

/** What `RoomProvider` takes. */
export interface RoomProviderProps {
  /** The room that the hooks and components inside are about. */
  room: Room;
  /** What is inside. */
  children?: ReactNode;
}

/** Gives a room to the hooks and components inside it. */
export function RoomProvider({ room, children }: RoomProviderProps) {
  return <RoomContext.Provider value={room}>{children}</RoomContext.Provider>;
}

/** The room of the nearest `RoomProvider`. Throws outside of one. */
export function useRoom(): Room {
  const room = useContext(RoomContext);
  if (!room) throw new Error("this hook or component needs a RoomProvider around it");
  return room;
}
