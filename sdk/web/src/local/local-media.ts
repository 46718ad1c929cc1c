import { type Devices, sortDevices } from "../devices.js";
import { RoomError } from "../errors.js";
import { onForeground } from "../foreground.js";
import type { Room } from "../room.js";
import { CaptureDevice, type DeviceKind, type LocalDevice } from "./device.js";
import { captureFailure, requireCapture } from "./failures.js";
import { Publication, type PublicationOptions } from "./publication.js";
import { captureScreen, type LocalScreen, type ScreenOptions } from "./screen.js";

/** What `LocalMedia` is made with. */
export interface LocalMediaOptions {
  /** Beyond echo cancellation, noise suppression and automatic gain. */
  microphone?: MediaTrackConstraints;
  /** Beyond 1280x720 at up to 30 pictures a second. */
  camera?: MediaTrackConstraints;
  /** Device ids that the user chose earlier. A device that is not plugged in gives way to another. */
  chosen?: { microphone?: string; camera?: string };
}

/** The user's devices as one immutable value, replaced as a whole by each change. */
export interface LocalMediaState {
  /** The microphone. */
  readonly microphone: LocalDevice;
  /** The camera. */
  readonly camera: LocalDevice;
  /** What is being shared, if anything is. */
  readonly screen?: LocalScreen;
  /** The devices there are. Before permission was given, browsers tell little about them. */
  readonly devices: Devices;
  /** What the user chose. */
  readonly chosen: { readonly microphone?: string; readonly camera?: string };
}

/** The events of `LocalMedia` and the listeners they take. */
export interface LocalMediaEvents {
  /** Anything in the state changed. */
  changed: (state: LocalMediaState) => void;
  /** A device went away. `fallback` is the track of another one that took its place; without it that kind is off, with an `error`. */
  device_lost: (
    kind: DeviceKind,
    deviceId: string | undefined,
    fallback: MediaStreamTrack | undefined,
  ) => void;
}

const none: Devices = { audioinput: [], videoinput: [], audiooutput: [] };
const microphoneDefaults = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const cameraDefaults = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

/**
 * The user's microphone, camera and screen: opened, muted, switched and closed here, and published in a room by `publish`. It
 * goes along when devices come and go, and takes up again what a phone took away in the background. Independent of any
 * room: one may be made for the page before the call, and live through several.
 */
export class LocalMedia {
  readonly #microphone: CaptureDevice;
  readonly #camera: CaptureDevice;
  readonly #listeners = {
    changed: new Set<() => void>(),
    device_lost: new Set<LocalMediaEvents["device_lost"]>(),
  };
  readonly #unwatch: () => void;
  #screen: LocalScreen | undefined;
  #devices = none;
  #state: LocalMediaState;
  #closed = false;

  constructor(options: LocalMediaOptions = {}) {
    const { microphone, camera, chosen } = options;
    const listener = {
      changed: () => this.#changed(),
      lost: (...about: Parameters<LocalMediaEvents["device_lost"]>) => {
        for (const callback of [...this.#listeners.device_lost]) callback(...about);
      },
    };
    const device = (kind: DeviceKind, constraints: MediaTrackConstraints) =>
      new CaptureDevice(kind, constraints, chosen?.[kind], listener);
    this.#microphone = device("microphone", { ...microphoneDefaults, ...microphone });
    this.#camera = device("camera", { ...cameraDefaults, ...camera });
    this.#state = this.#compose();
    const media = globalThis.navigator?.mediaDevices;
    const list = () => void this.#list();
    media?.addEventListener?.("devicechange", list);
    const unwatch = onForeground(() => {
      this.#microphone.foreground();
      this.#camera.foreground();
    });
    this.#unwatch = () => {
      unwatch();
      media?.removeEventListener?.("devicechange", list);
    };
  }

  /** The devices now. */
  getState(): LocalMediaState {
    return this.#state;
  }

  /** Listens to an event. Returns a function that stops it. */
  on<E extends keyof LocalMediaEvents>(event: E, callback: LocalMediaEvents[E]): () => void {
    const entry = (...args: unknown[]) => (callback as (...args: unknown[]) => void)(...args);
    const listener = event === "changed" ? () => entry(this.#state) : entry;
    const listeners = this.#listeners[event] as Set<typeof listener>;
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Opens microphone and camera, with one question to the user where the browser can. Rejects with the failure of the one that failed (of the
   * microphone if both did); the other one is on all the same.
   */
  async open(wanted: { microphone?: boolean; camera?: boolean } = {}): Promise<void> {
    if (this.#closed) throw closed();
    const { microphone = true, camera = true } = wanted;
    await this.#list();
    if (microphone && camera && (await this.#openBoth())) return;
    const failures: unknown[] = [];
    const open = async (device: CaptureDevice) => {
      if (this.#closed) return;
      await device.open().catch((error) => failures.push(error));
    };
    // One after the other: browsers hold back a second question while the first is open.
    if (microphone) await open(this.#microphone);
    if (camera) await open(this.#camera);
    await this.#list();
    if (failures.length > 0) throw failures[0];
  }

  /** Opens or unmutes the microphone, or mutes it; muted it stays open, so that speaking resumes without delay. */
  setMicrophone(on: boolean): Promise<void> {
    return this.#switch(this.#microphone, on);
  }

  /** Opens the camera, or closes it, so that its light goes out. */
  setCamera(on: boolean): Promise<void> {
    return this.#switch(this.#camera, on);
  }

  /**
   * Captures with another device from now on. What is published goes on without negotiation. If it cannot be opened, the one in use
   * stays; only phones, which open one camera at a time, may then be left without.
   */
  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    if (this.#closed) throw closed();
    const device = kind === "camera" ? this.#camera : this.#microphone;
    const { on, track } = device.state;
    try {
      if (on) return await device.choose(deviceId);
      device.chosen = deviceId;
      // A muted microphone would come back as the old one.
      if (track) device.close();
    } finally {
      this.#changed();
    }
  }

  /** Goes on to the camera on the other side of a phone, or to the next one where cameras have no side. The camera must be on. */
  async flipCamera(): Promise<void> {
    const { track } = this.#camera.state;
    if (!track) throw new RoomError("invalid_state", "the camera is off");
    const { facingMode, deviceId } = track.getSettings();
    if (facingMode === "user" || facingMode === "environment") {
      const other = facingMode === "user" ? "environment" : "user";
      await this.#camera.choose(undefined, { facingMode: { exact: other } });
    } else {
      const ids = this.#devices.videoinput.map(({ id }) => id);
      const next = ids[(ids.indexOf(deviceId ?? "") + 1) % ids.length];
      if (next === undefined || next === deviceId) {
        throw new RoomError("device_not_found", "there is no other camera");
      }
      await this.choose("camera", next);
    }
  }

  /**
   * Asks the user for a screen, window or tab to share, with its sound where the browser offers that. Call it in the listener of a click. Ends when the user stops it
   * in the browser too.
   */
  async shareScreen(options: ScreenOptions = {}): Promise<void> {
    if (this.#closed) throw closed();
    const screen = await captureScreen(options);
    this.stopScreen();
    screen.video.addEventListener("ended", () => {
      if (this.#screen === screen) this.stopScreen();
    });
    this.#screen = screen;
    this.#changed();
    if (this.#closed) this.stopScreen();
  }

  /** Stops sharing. */
  stopScreen(): void {
    const screen = this.#screen;
    if (!screen) return;
    this.#screen = undefined;
    this.#changed();
    screen.video.stop();
    screen.audio?.stop();
  }

  /**
   * Publishes microphone and camera as one stream of the room and the screen as another, and keeps both in step from now on. May
   * be called before `connect()`. It ends with the room, or by `stop()`.
   */
  publish(room: Room, options: PublicationOptions = {}): Publication {
    return new Publication(room, this, options);
  }

  /** Closes everything, for good: what is asked of it later rejects with `invalid_state`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    this.stopScreen();
    this.#microphone.close();
    this.#camera.close();
  }

  async #switch(device: CaptureDevice, on: boolean): Promise<void> {
    if (this.#closed) throw closed();
    await device.turn(on);
    if (on) await this.#list();
    if (this.#closed) device.close();
  }

  /** False if they have to be asked for one by one: a refused or missing device fails the question for both. */
  async #openBoth(): Promise<boolean> {
    if (this.#closed) return true;
    const turns = { audio: this.#microphone.begin(), video: this.#camera.begin() };
    try {
      requireCapture("getUserMedia");
      const media = await navigator.mediaDevices.getUserMedia({
        audio: this.#microphone.wish(),
        video: this.#camera.wish(),
      });
      for (const track of media.getTracks()) {
        if (track.kind === "audio") this.#microphone.adopt(turns.audio, track);
        else this.#camera.adopt(turns.video, track);
      }
    } catch (cause) {
      const { code } = captureFailure(cause, "microphone and camera");
      return code === "insecure_page" || code === "not_supported" ? this.#failBoth(turns, cause) : false;
    }
    await this.#list();
    return true;
  }

  #failBoth(turns: { audio: number; video: number }, cause: unknown): never {
    this.#microphone.fail(turns.audio, captureFailure(cause, "microphone"));
    this.#camera.fail(turns.video, captureFailure(cause, "camera"));
    throw cause;
  }

  async #list(): Promise<void> {
    const found = await globalThis.navigator?.mediaDevices?.enumerateDevices?.().catch(() => undefined);
    if (!found || this.#closed) return;
    this.#devices = sortDevices(found);
    this.#microphone.devicesChanged(found);
    this.#camera.devicesChanged(found);
    this.#changed();
  }

  #compose(): LocalMediaState {
    const { state: microphone, chosen: chosenMicrophone } = this.#microphone;
    const { state: camera, chosen: chosenCamera } = this.#camera;
    return {
      microphone,
      camera,
      ...(this.#screen && { screen: this.#screen }),
      devices: this.#devices,
      chosen: {
        ...(chosenMicrophone !== undefined && { microphone: chosenMicrophone }),
        ...(chosenCamera !== undefined && { camera: chosenCamera }),
      },
    };
  }

  #changed(): void {
    this.#state = this.#compose();
    for (const callback of [...this.#listeners.changed]) callback();
  }
}

function closed(): RoomError {
  return new RoomError("invalid_state", "the local media was closed");
}
