import type { InitializeConfig } from "./options.js";
import type { Room } from "./room.js";

/**
 * Connects to the server with a token and makes a room of status `initialized`. Nobody sees the participant until `connect()`.
 * Rejects with a `RoomError` as soon as the cause is known.
 */
export declare function initialize(config: InitializeConfig): Promise<Room>;
