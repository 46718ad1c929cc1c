import { initialize, type Room, type State } from "@rotunda/video";
import { sendOne } from "../../api/client";
import { watchCall } from "./WatchDialog";

interface Watch {
  room_id: string;
  token: string;
}

interface Listener {
  seen: (room: Room, state: State) => void;
  failed: (error: unknown) => void;
}

/** Why a stay ended, in words; nothing for the ends that the session itself shows. */
const endings: Record<string, string> = {
  kicked: "A moderator removed you from the session.",
  network_error: "The connection to the server was lost.",
  timed_out: "The connection to the server was lost.",
};

/** Joins a session as a watcher until the function that is returned is called. */
export function enter(session: string, listener: Listener): () => void {
  let over = false;
  let joined: Room | undefined;
  const token = () => sendOne<Watch>(watchCall(session));
  const join = async () => {
    const watch = await token();
    if (over) return;
    const room = await initialize({
      roomId: watch.room_id,
      clientToken: watch.token,
      tokenProvider: async () => (await token()).token,
      // All sound comes in the mix.
      autoSubscribe: () => ({ audio: false, video: true }),
    });
    joined = room;
    if (over) return room.disconnect();
    room.on("state_changed", (state) => {
      if (!over && state.status === "connected") listener.seen(room, state);
    });
    room.on("disconnected", (reason) => {
      if (!over && endings[reason]) listener.failed(new Error(endings[reason]));
    });
    await room.connect();
  };
  join().catch((error: unknown) => {
    if (!over) listener.failed(error);
  });
  return () => {
    over = true;
    void joined?.disconnect();
  };
}
