import { CountedTarget, FakeStream, FakeTrack } from "./media.js";

interface FakeDevice {
  kind: MediaDeviceKind;
  deviceId: string;
  label: string;
  groupId: string;
  facingMode?: "user" | "environment";
}

const device = (kind: MediaDeviceKind, deviceId: string, more: Partial<FakeDevice> = {}): FakeDevice => ({
  kind,
  deviceId,
  label: `The ${deviceId}`,
  groupId: deviceId,
  ...more,
});

/** The `navigator.mediaDevices` of a machine whose devices a test plugs in and pulls out. */
export class FakeMediaDevices extends CountedTarget {
  found: FakeDevice[] = [device("audioinput", "desk"), device("videoinput", "lid")];
  /** What the browser refuses, by the kind of track asked for. */
  readonly refuses = new Map<"audio" | "video" | "screen", DOMException>();
  readonly asked: MediaStreamConstraints[] = [];
  readonly opened: FakeTrack[] = [];
  /** Like a phone, it opens one camera at a time. */
  oneCamera = false;
  screenSound = true;

  async enumerateDevices() {
    return this.found as unknown as MediaDeviceInfo[];
  }

  async getUserMedia(constraints: MediaStreamConstraints) {
    this.asked.push(constraints);
    const kinds = (["audio", "video"] as const).filter((kind) => constraints[kind]);
    for (const kind of kinds) this.#mayRefuse(kind);
    return new FakeStream(kinds.map((kind) => this.#open(kind, constraints[kind] as MediaTrackConstraints)));
  }

  async getDisplayMedia(constraints: MediaStreamConstraints) {
    this.asked.push(constraints);
    this.#mayRefuse("screen");
    const video = new FakeTrack("video", { displaySurface: "monitor" });
    const audio = constraints.audio && this.screenSound ? [new FakeTrack("audio")] : [];
    this.opened.push(video, ...audio);
    return new FakeStream([video, ...audio] as unknown as MediaStreamTrack[]);
  }

  plug(kind: MediaDeviceKind, deviceId: string, more: Partial<FakeDevice> = {}): void {
    this.found = [...this.found, device(kind, deviceId, more)];
    this.dispatchEvent(new Event("devicechange"));
  }

  pull(deviceId: string): void {
    this.found = this.found.filter((candidate) => candidate.deviceId !== deviceId);
    for (const track of this.opened) {
      if (track.settings.deviceId === deviceId && track.readyState === "live") track.end();
    }
    this.dispatchEvent(new Event("devicechange"));
  }

  /** The ids of the devices in use. */
  get live(): unknown[] {
    return this.opened
      .filter(({ readyState }) => readyState === "live")
      .map(({ settings }) => settings.deviceId);
  }

  #mayRefuse(what: "audio" | "video" | "screen"): void {
    const refusal = this.refuses.get(what);
    if (refusal) throw refusal;
  }

  #open(kind: "audio" | "video", wish: MediaTrackConstraints): MediaStreamTrack {
    const fitting = this.found.filter((candidate) => candidate.kind === `${kind}input`);
    const facing = (wish.facingMode as { exact?: string } | undefined)?.exact;
    const sided = facing ? fitting.filter((candidate) => candidate.facingMode === facing) : fitting;
    const ideal = (wish.deviceId as { ideal?: string } | undefined)?.ideal;
    const chosen = sided.find(({ deviceId }) => deviceId === ideal) ?? sided[0];
    if (!chosen) throw new DOMException("none", facing ? "OverconstrainedError" : "NotFoundError");
    const inUse = this.opened.some((track) => track.kind === "video" && track.readyState === "live");
    if (kind === "video" && this.oneCamera && inUse) throw new DOMException("in use", "NotReadableError");
    const { deviceId, facingMode } = chosen;
    const track = new FakeTrack(kind, { deviceId, ...(facingMode && { facingMode }) });
    this.opened.push(track);
    return track as unknown as MediaStreamTrack;
  }
}
