import { Store } from "../ui/store";
import { Level } from "./level";
import { type Remembered, recall, remember } from "./remembered";
import { type Kind, obstacle, type Trouble, troubleOf } from "./trouble";

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

const off: Device = { on: false, starting: false, track: null, trouble: null };

/**
 * The user's camera, microphone and speaker. A muted microphone stays open but silent, so that speaking resumes without
 * delay; a camera that is off is closed, and its light goes out.
 */
export class Capture implements Devices {
  readonly view: Store<CaptureView>;
  readonly level = new Level();
  #closed = false;
  /** Counts starts of each kind; an older start that ends late is thrown away. */
  #turn = { camera: 0, microphone: 0 };

  constructor(remembered: Remembered = recall()) {
    const { microphone, camera, speaker } = remembered;
    this.view = new Store<CaptureView>({
      microphone: off,
      camera: off,
      choices: { microphone: [], camera: [], speaker: [] },
      chosen: { ...(microphone && { microphone }), ...(camera && { camera }), ...(speaker && { speaker }) },
      canChooseSpeaker: typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype,
    });
  }

  /** Starts what is wanted, asking for both in one question if the browser can. */
  async open(
    wanted: { microphone: boolean; camera: boolean } = { microphone: true, camera: true },
  ): Promise<void> {
    const trouble = obstacle(window);
    if (trouble) {
      this.view.patch({ microphone: { ...off, trouble }, camera: { ...off, trouble } });
      return;
    }
    navigator.mediaDevices.addEventListener("devicechange", this.#list);
    for (const kind of ["microphone", "camera"] as const) {
      if (wanted[kind]) this.#update(kind, { ...off, on: true, starting: true });
    }
    await this.#list();
    if (wanted.microphone && wanted.camera && (await this.#startBoth())) return;
    if (wanted.microphone) await this.#start("microphone");
    if (wanted.camera) await this.#start("camera");
  }

  async setMicrophone(on: boolean): Promise<void> {
    const { microphone } = this.view.get();
    if (microphone.track?.readyState === "live") {
      microphone.track.enabled = on;
      this.#update("microphone", { ...microphone, on });
      return;
    }
    if (on) await this.#start("microphone");
    else this.#update("microphone", off);
  }

  async setCamera(on: boolean): Promise<void> {
    if (on) return this.#start("camera");
    this.#turn.camera++;
    this.#release("camera");
    this.#update("camera", off);
  }

  async choose(kind: Kind | "speaker", id: string): Promise<void> {
    this.view.patch({ chosen: { ...this.view.get().chosen, [kind]: id } });
    remember({ [kind]: id });
    if (kind !== "speaker" && this.view.get()[kind].on) await this.#start(kind);
  }

  retry(kind: Kind): Promise<void> {
    return this.#start(kind);
  }

  close(): void {
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#list);
    for (const kind of ["camera", "microphone"] as const) {
      this.#turn[kind]++;
      this.#release(kind);
      this.#update(kind, off);
    }
    this.level.close();
  }

  /** One refused or missing device fails the question for both; then each has to be asked for by itself. */
  async #startBoth(): Promise<boolean> {
    const turns = [++this.#turn.microphone, ++this.#turn.camera];
    this.#update("microphone", { ...off, on: true, starting: true });
    this.#update("camera", { ...off, on: true, starting: true });
    let both: MediaStream;
    try {
      both = await navigator.mediaDevices.getUserMedia({
        audio: this.#wish("microphone"),
        video: this.#wish("camera"),
      });
    } catch {
      return this.#closed;
    }
    for (const [at, kind] of (["microphone", "camera"] as const).entries()) {
      const track = (kind === "microphone" ? both.getAudioTracks() : both.getVideoTracks())[0] ?? null;
      if (turns[at] === this.#turn[kind]) this.#adopt(kind, track);
      else track?.stop();
    }
    await this.#list();
    return true;
  }

  async #start(kind: Kind): Promise<void> {
    const trouble = obstacle(window);
    if (trouble) {
      this.#update(kind, { ...off, trouble });
      return;
    }
    const turn = ++this.#turn[kind];
    const before = this.view.get()[kind];
    this.#update(kind, { ...before, on: true, starting: true, trouble: null });
    try {
      const media = await this.#ask(kind);
      const track = media.getTracks()[0] ?? null;
      if (turn !== this.#turn[kind] || this.#closed) {
        track?.stop();
        return;
      }
      this.#adopt(kind, track);
    } catch (error) {
      if (turn !== this.#turn[kind]) return;
      this.#release(kind);
      this.#update(kind, { ...off, trouble: troubleOf(error) });
    }
    await this.#list();
  }

  async #ask(kind: Kind): Promise<MediaStream> {
    const name = kind === "camera" ? "video" : "audio";
    return navigator.mediaDevices.getUserMedia({ [name]: this.#wish(kind) });
  }

  #wish(kind: Kind): MediaTrackConstraints {
    const id = this.view.get().chosen[kind];
    // `ideal`: a device that was remembered and is not plugged in gives way to another.
    const device = id ? { deviceId: { ideal: id } } : {};
    if (kind === "camera")
      return { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  }

  #adopt(kind: Kind, track: MediaStreamTrack | null): void {
    if (this.#closed) {
      track?.stop();
      return;
    }
    const old = this.view.get()[kind].track;
    if (!track) {
      this.#update(kind, { ...off, trouble: "missing" });
      return;
    }
    track.enabled = true;
    if (kind === "camera") track.contentHint = "motion";
    track.addEventListener("ended", () => this.#lost(kind, track));
    if (kind === "microphone") this.level.listen(track);
    this.#update(kind, { on: true, starting: false, track, trouble: null });
    // After the change, so that whoever publishes has replaced it already.
    if (old && old !== track) old.stop();
  }

  #lost(kind: Kind, track: MediaStreamTrack): void {
    if (this.view.get()[kind].track !== track) return;
    this.#release(kind);
    this.#update(kind, { ...off, trouble: "unplugged" });
  }

  #release(kind: Kind): void {
    this.view.get()[kind].track?.stop();
    if (kind === "microphone") this.level.listen(null);
  }

  #update(kind: Kind, device: Device): void {
    this.view.patch({ [kind]: device });
  }

  #list = async (): Promise<void> => {
    let found: MediaDeviceInfo[];
    try {
      found = await navigator.mediaDevices.enumerateDevices();
    } catch {
      return;
    }
    if (this.#closed) return;
    this.view.patch({
      choices: {
        microphone: choicesOf(found, "audioinput", "Microphone"),
        camera: choicesOf(found, "videoinput", "Camera"),
        speaker: choicesOf(found, "audiooutput", "Speaker"),
      },
    });
  };
}

/** Devices without a name, as before permission was given, are numbered; those without an id cannot be chosen. */
export function choicesOf(
  found: readonly Pick<MediaDeviceInfo, "kind" | "deviceId" | "label">[],
  kind: MediaDeviceKind,
  word: string,
): Choice[] {
  return found
    .filter((device) => device.kind === kind && device.deviceId !== "")
    .map((device, at) => ({ id: device.deviceId, label: device.label || `${word} ${at + 1}` }));
}
