import type { RoomError } from "../errors.js";
import { type Ending, endingOfClose } from "./refusals.js";

const SUBPROTOCOL = "rotunda.v1";

/** Where a socket tells what becomes of it, until it is dropped. */
export interface SocketListener {
  opened(): void;
  received(data: unknown): void;
  closed(why: Ending): void;
}

/** One websocket to the server. */
export class SignalSocket {
  /** Resolves when frames can be sent, rejects when that will never be. */
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  #never!: (error: RoomError) => void;

  constructor(url: string, listener: SocketListener) {
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.opened = new Promise<void>((resolve, reject) => {
      this.#never = reject;
      socket.onopen = () => {
        listener.opened();
        resolve();
      };
    });
    // Whoever asks gets the rejection; that nobody asked is no failure of its own.
    this.opened.catch(() => {});
    socket.onmessage = (event) => listener.received(event.data);
    socket.onclose = (event) => listener.closed(endingOfClose(event.code));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Closes it with this code and hears of it no more. The error is why it did not open, if it did not. */
  drop(error: RoomError, code: number): void {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
    this.#never(error);
  }
}
