import type { Room, StreamTracks } from "@rotunda/video";
import type { Devices } from "../devices/capture";
import { screenKey, selfKey } from "./people";

interface Trouble {
  forbidden(): void;
  failed(error: unknown): void;
}

/** Keeps what one room publishes in step with the user's devices. One change is made at a time; those meanwhile are joined into the next. */
export class Publisher {
  readonly #room: Room;
  readonly #devices: Devices;
  readonly #trouble: Trouble;
  readonly #unsubscribe: () => void;
  #published = false;
  #done = "";
  #running = false;
  #closed = false;

  constructor(room: Room, devices: Devices, trouble: Trouble) {
    this.#room = room;
    this.#devices = devices;
    this.#trouble = trouble;
    this.#unsubscribe = devices.view.subscribe(() => void this.sync());
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
  }

  async sync(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (!this.#closed && this.#wanted() !== this.#done) await this.#step();
    } catch (error) {
      this.#report(error);
    } finally {
      this.#running = false;
    }
  }

  /** Publishes a captured screen; resolves once others can see it. */
  async share(screen: MediaStream): Promise<void> {
    const video = screen.getVideoTracks()[0];
    const audio = screen.getAudioTracks()[0];
    await this.#room.addStream(screenKey, {
      ...(audio && { audio }),
      ...(video && { video: { track: video, options: { contentHint: "detail" } } }),
    });
  }

  async unshare(): Promise<void> {
    if (this.#room.getLocalStreams()[screenKey]) await this.#room.removeStream(screenKey);
  }

  async #step(): Promise<void> {
    const wanted = this.#wanted();
    const tracks = this.#tracks();
    this.#done = wanted;
    if (this.#published) await this.#room.updateStream(selfKey, tracks);
    else await this.#room.addStream(selfKey, tracks);
    this.#published = true;
  }

  /** What would be published now, as one word to compare. Without any device nothing is published at all. */
  #wanted(): string {
    const { microphone, camera } = this.#devices.view.get();
    if (!this.#published && !microphone.track && !camera.track) return "";
    return `${microphone.track?.id ?? "-"} ${microphone.track?.enabled ?? false} ${camera.track?.id ?? "-"}`;
  }

  #tracks(): StreamTracks {
    const { microphone, camera } = this.#devices.view.get();
    return {
      ...(microphone.track && { audio: microphone.track }),
      // Said even without a camera: simulcast is decided once, and the camera may come later.
      video: {
        ...(camera.track && { track: camera.track }),
        options: { enableSimulcast: true, contentHint: "motion" },
      },
    };
  }

  #report(error: unknown): void {
    if (this.#closed) return;
    if ((error as { code?: string }).code === "forbidden") this.#trouble.forbidden();
    else this.#trouble.failed(error);
  }
}
