import { RoomError } from "@rotunda/video";
import { Watching } from "./watching.js";

export type Outcome<T> = { value: T } | { refused: { code: string; message: string } };

/** One browser page of an application, worked by a test from outside. */
export class Rig extends Watching {
  /** Calls one of its methods, and brings its refusal in a form that leaves the page. */
  async attempt<T>(work: (rig: Rig) => T | Promise<T>): Promise<Outcome<T>> {
    try {
      return { value: await work(this) };
    } catch (error) {
      if (!(error instanceof RoomError)) throw error;
      return { refused: { code: error.code, message: error.message } };
    }
  }
}

declare global {
  var rig: Rig;
}

globalThis.rig = new Rig();
