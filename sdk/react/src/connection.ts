import { type InitializeConfig, initialize, type Room, type RoomError } from "@rotunda/video";
import { useEffect, useState } from "react";

/** What became of `useRoomConnection`. */
export interface RoomConnection {
  /** There once `initialize` is done, and gone with the component; give it to a `RoomProvider`. It may have ended: see its state. */
  room: Room | undefined;
  /** Why the room could not be entered. */
  error: RoomError | undefined;
}

/**
 * Enters a room while the component is there, and leaves it when it goes. Give `null` while there is nothing to enter yet. Another `roomId`
 * or `serverUrl` leaves the room and enters another one; everything else counts when it is entered, so a token may be renewed freely.
 */
export function useRoomConnection(config: InitializeConfig | null): RoomConnection {
  const [connection, setConnection] = useState<RoomConnection>({ room: undefined, error: undefined });
  const isWanted = config !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: these two alone make it another room
  useEffect(() => {
    if (!config) return;
    let entered: Room | undefined;
    let gone = false;
    const enter = async () => {
      try {
        const room = await initialize(config);
        entered = room;
        if (gone) return await room.disconnect();
        setConnection({ room, error: undefined });
        await room.connect();
      } catch (error) {
        if (!gone) setConnection({ room: entered, error: error as RoomError });
      }
    };
    void enter();
    return () => {
      gone = true;
      setConnection({ room: undefined, error: undefined });
      void entered?.disconnect();
    };
  }, [isWanted, config?.roomId, config?.serverUrl]);
  return connection;
}
