import { type LocalDevice, LocalMedia, type Device as Named } from "@rotunda/video";
import { Store } from "../ui/store";
import { Level } from "./level";
import { type Remembered, recall, remember } from "./remembered";
import { type Kind, type Trouble, troubleOf } from "./trouble";

export interface Device {
  /** What the user wants; there may be no track all the same, see `trouble`. */
  on: boolean;
  starting: boolean;
  track: MediaStreamTrack | null;
  trouble: Trouble | null;
}

export interface Choice {
  id: string;
  label: string;
}

export interface CaptureView {
  microphone: Device;
  camera: Device;
  choices: { microphone: Choice[]; camera: Choice[]; speaker: Choice[] };
  chosen: { microphone?: string; camera?: string; speaker?: string };
  canChooseSpeaker: boolean;
}

/** What components and the call need of the user's devices. */
export interface Devices {
  readonly view: { get(): CaptureView; subscribe(listener: () => void): () => void };
  readonly level: Pick<Level, "read">;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  choose(kind: Kind | "speaker", id: string): Promise<void>;
  retry(kind: Kind): Promise<void>;
}

/** The user's camera, microphone and speaker, as this app shows them: the SDK's devices, with a level and a memory. */
export class Capture implements Devices {
  readonly view: Store<CaptureView>;
  readonly level = new Level();
  readonly #media: LocalMedia;
  #heard: MediaStreamTrack | undefined;

  constructor({ microphone, camera, speaker }: Remembered = recall()) {
    this.#media = new LocalMedia({
      chosen: { ...(microphone && { microphone }), ...(camera && { camera }) },
    });
    this.view = new Store<CaptureView>({
      ...this.#shown(),
      chosen: { ...this.#media.getState().chosen, ...(speaker && { speaker }) },
      canChooseSpeaker: typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype,
    });
    this.#media.on("changed", () => this.#see());
  }

  /** Starts what is wanted, asking for both in one question if the browser can. */
  open(wanted?: { microphone: boolean; camera: boolean }): Promise<void> {
    return seen(this.#media.open(wanted));
  }

  setMicrophone(on: boolean): Promise<void> {
    return seen(this.#media.setMicrophone(on));
  }

  setCamera(on: boolean): Promise<void> {
    return seen(this.#media.setCamera(on));
  }

  async choose(kind: Kind | "speaker", id: string): Promise<void> {
    this.view.patch({ chosen: { ...this.view.get().chosen, [kind]: id } });
    remember({ [kind]: id });
    if (kind !== "speaker") await seen(this.#media.choose(kind, id));
  }

  retry(kind: Kind): Promise<void> {
    return kind === "camera" ? this.setCamera(true) : this.setMicrophone(true);
  }

  close(): void {
    this.#media.close();
    this.level.close();
  }

  #see(): void {
    const { track } = this.#media.getState().microphone;
    if (track !== this.#heard) {
      this.#heard = track;
      this.level.listen(track ?? null);
    }
    this.view.patch(this.#shown());
  }

  #shown(): Pick<CaptureView, "microphone" | "camera" | "choices"> {
    const { microphone, camera, devices } = this.#media.getState();
    return {
      microphone: shown(microphone),
      camera: shown(camera),
      choices: {
        microphone: choicesOf(devices.audioinput),
        camera: choicesOf(devices.videoinput),
        speaker: choicesOf(devices.audiooutput),
      },
    };
  }
}

function shown({ on, starting, track, interrupted, error }: LocalDevice): Device {
  const isThere = track !== undefined && !interrupted;
  return { on, starting, track: isThere ? track : null, trouble: error ? troubleOf(error) : null };
}

/** What fails shows in the view. */
async function seen(done: Promise<void>): Promise<void> {
  await done.catch(() => undefined);
}

/** Devices without an id, as before permission was given, cannot be chosen. */
export function choicesOf(devices: readonly Named[]): Choice[] {
  return devices.filter(({ id }) => id !== "");
}
