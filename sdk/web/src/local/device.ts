import { RoomError } from "../errors.js";
import { captureFailure, requireCapture } from "./failures.js";

/** What captures. */
export type DeviceKind = "microphone" | "camera";

/** The user's microphone or camera, as it is now. */
export interface LocalDevice {
  /** What the user wants. There may be no track all the same: see `starting` and `error`. */
  readonly on: boolean;
  /** It is being opened; the browser may be asking the user. */
  readonly starting: boolean;
  /** What it captures. A muted microphone keeps its track, with `enabled` false. */
  readonly track?: MediaStreamTrack;
  /** The system took it away for now: a telephone call, another program, a page in the background. It comes back by itself. */
  readonly interrupted: boolean;
  /** Why it could not be opened (`permission_denied`, `device_not_found`, ...), or that it was lost (`device_lost`). */
  readonly error?: RoomError;
}

/** How long a track that the system silenced may take to come back to a page in front, in milliseconds. */
export const PATIENCE = 1_000;

export const off: LocalDevice = { on: false, starting: false, interrupted: false };

const inputs = { microphone: "audioinput", camera: "videoinput" } as const;
const names = { microphone: "audio", camera: "video" } as const;

/** What a capturing device tells its owner. */
export interface DeviceListener {
  changed(): void;
  /** The device went away. `fallback` is what took its place, if anything did. */
  lost(kind: DeviceKind, deviceId: string | undefined, fallback: MediaStreamTrack | undefined): void;
}

/** Opens, switches, mutes and closes one kind of device. Of two openings at once the later one counts. */
export class CaptureDevice {
  state: LocalDevice = off;
  /** The device the user chose; any if none. */
  chosen: string | undefined;
  readonly #kind: DeviceKind;
  readonly #constraints: MediaTrackConstraints;
  readonly #listener: DeviceListener;
  #turn = 0;
  #present: readonly MediaDeviceInfo[] = [];
  #defaultGroup: string | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #unwatch: () => void = () => {};

  constructor(
    kind: DeviceKind,
    constraints: MediaTrackConstraints,
    chosen: string | undefined,
    listener: DeviceListener,
  ) {
    this.#kind = kind;
    this.#constraints = constraints;
    this.chosen = chosen;
    this.#listener = listener;
  }

  /** What to ask the browser for. `ideal`: a chosen device that is not plugged in gives way to another. */
  wish(extra: MediaTrackConstraints = {}): MediaTrackConstraints {
    const device = this.chosen ? { deviceId: { ideal: this.chosen } } : {};
    return { ...this.#constraints, ...device, ...extra };
  }

  /** Says that an opening begins; `adopt` or `fail` with the number it gives ends it. */
  begin(): number {
    clearTimeout(this.#patience);
    const { error: _, ...rest } = this.state;
    this.#set({ ...rest, on: true, starting: true });
    return ++this.#turn;
  }

  /** Captures with this track from now on, unless a later opening began. */
  adopt(turn: number, track: MediaStreamTrack): void {
    if (turn !== this.#turn) {
      track.stop();
      return;
    }
    const before = this.state.track;
    this.#unwatch();
    track.enabled = true;
    this.#defaultGroup = this.#groupOfDefault();
    this.#watch(track);
    this.#set({ on: true, starting: false, interrupted: track.muted, track });
    // After the change, so that whoever publishes has replaced it already.
    if (before && before !== track) before.stop();
  }

  /** What is in use stays so when another device cannot be opened. */
  fail(turn: number, error: RoomError): void {
    if (turn !== this.#turn) return;
    const { track } = this.state;
    if (track?.readyState === "live") {
      this.#set({ on: true, starting: false, interrupted: track.muted, track, error });
      return;
    }
    this.#release();
    this.#set({ ...off, error });
  }

  /** Opens the device, or another one if it is open. Rejects with why that was not possible. */
  async open(extra: MediaTrackConstraints = {}): Promise<void> {
    const turn = this.begin();
    try {
      this.adopt(turn, await this.#ask(extra));
    } catch (cause) {
      const error = captureFailure(cause, this.#kind);
      this.fail(turn, error);
      throw error;
    }
  }

  /** Captures with another device. One that cannot be opened is not chosen. */
  async choose(deviceId: string | undefined, extra: MediaTrackConstraints = {}): Promise<void> {
    const before = this.chosen;
    this.chosen = deviceId;
    try {
      await this.open(extra);
    } catch (error) {
      if (this.chosen === deviceId) this.chosen = before;
      throw error;
    }
  }

  /** A microphone is silenced and stays open, so that speaking resumes without delay; a camera is closed, and its light goes out. */
  async turn(on: boolean): Promise<void> {
    const { track } = this.state;
    if (this.#kind === "microphone" && track?.readyState === "live") {
      track.enabled = on;
      const { error: _, ...rest } = this.state;
      this.#set({ ...rest, on });
    } else if (!on) this.close();
    else if (track?.readyState !== "live") await this.open();
  }

  close(): void {
    this.#turn++;
    this.#release();
    if (this.state !== off) this.#set(off);
  }

  /** Takes up again what was lost while the page was in the background. */
  foreground(): void {
    const { on, track } = this.state;
    if (!on || !track) return;
    if (track.readyState === "ended") this.#reopen();
    else if (track.muted) {
      clearTimeout(this.#patience);
      this.#patience = setTimeout(() => {
        if (this.state.track === track && track.muted) this.#reopen();
      }, PATIENCE);
    }
  }

  /** Devices came or went: goes back to the chosen device, and along with a default that changed. */
  devicesChanged(found: readonly MediaDeviceInfo[]): void {
    const present = found.filter(({ kind }) => kind === inputs[this.#kind]);
    const hadChosen = this.#present.some(({ deviceId }) => deviceId === this.chosen);
    const hasChosen = present.some(({ deviceId }) => deviceId === this.chosen);
    const isFirst = this.#present.length === 0;
    this.#present = present;
    const { on, track } = this.state;
    const group = this.#groupOfDefault();
    if (isFirst || track?.readyState !== "live") {
      this.#defaultGroup ??= group;
      return;
    }
    const followsDefault = !this.chosen || this.chosen === "default";
    const moved = followsDefault && group !== undefined && group !== this.#defaultGroup;
    const returned = hasChosen && !hadChosen && track.getSettings().deviceId !== this.chosen;
    if (!moved && !returned) return;
    if (on) this.#reopen();
    // A muted microphone is opened anew when it is used.
    else this.close();
  }

  async #ask(extra: MediaTrackConstraints): Promise<MediaStreamTrack> {
    requireCapture("getUserMedia");
    const request = { [names[this.#kind]]: this.wish(extra) };
    try {
      return onlyTrack(await navigator.mediaDevices.getUserMedia(request));
    } catch (error) {
      const failure = captureFailure(error, this.#kind);
      const { track } = this.state;
      // Phones open one camera at a time: the other one has to be closed first.
      if (failure.code !== "device_in_use" || track?.readyState !== "live") throw failure;
      track.stop();
      return onlyTrack(await navigator.mediaDevices.getUserMedia(request));
    }
  }

  #watch(track: MediaStreamTrack): void {
    const heard = () => {
      if (this.state.track !== track || this.state.interrupted === track.muted) return;
      this.#set({ ...this.state, interrupted: track.muted });
    };
    const ended = () => void this.#ended(track);
    track.addEventListener("mute", heard);
    track.addEventListener("unmute", heard);
    track.addEventListener("ended", ended);
    this.#unwatch = () => {
      track.removeEventListener("mute", heard);
      track.removeEventListener("unmute", heard);
      track.removeEventListener("ended", ended);
    };
  }

  /** The device was unplugged, the permission was taken back, or the system took it from a page in the background. */
  async #ended(track: MediaStreamTrack): Promise<void> {
    if (this.state.track !== track) return;
    const { deviceId } = track.getSettings();
    this.#set({ ...this.state, interrupted: true });
    if (globalThis.document?.hidden) return;
    const { on } = this.state;
    if (!on) {
      this.close();
      this.#listener.lost(this.#kind, deviceId, undefined);
      return;
    }
    try {
      await this.open();
      this.#listener.lost(this.#kind, deviceId, this.state.track);
    } catch (cause) {
      const error = captureFailure(cause, this.#kind);
      const isGone = error.code === "device_not_found";
      if (isGone)
        this.#set({ ...off, error: new RoomError("device_lost", `the ${this.#kind} is gone`, { cause }) });
      this.#listener.lost(this.#kind, deviceId, undefined);
    }
  }

  #reopen(): void {
    // What fails is in the state.
    this.open().catch(() => {});
  }

  /** Chromium lists the default once more under its own name; its group tells which device that is. */
  #groupOfDefault(): string | undefined {
    return this.#present.find(({ deviceId }) => deviceId === "default")?.groupId;
  }

  #release(): void {
    clearTimeout(this.#patience);
    this.#unwatch();
    this.#unwatch = () => {};
    this.state.track?.stop();
  }

  #set(state: LocalDevice): void {
    this.state = state;
    this.#listener.changed();
  }
}

function onlyTrack(media: MediaStream): MediaStreamTrack {
  const [track] = media.getTracks();
  if (!track) throw new RoomError("device_not_found", "the browser gave no track");
  return track;
}
