import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LocalMedia } from "../src/index.js";
import { PATIENCE } from "../src/local/device.js";
import { FakeMediaDevices } from "./fakes/devices.js";
import type { FakeTrack } from "./fakes/media.js";
import {
  expectCode,
  firePageEvent,
  installBrowser,
  pageListenerCount,
  removeBrowser,
  settle,
} from "./fakes/server.js";

let devices: FakeMediaDevices;
let media: LocalMedia;
beforeEach(() => {
  installBrowser();
  devices = new FakeMediaDevices();
  vi.stubGlobal("navigator", { mediaDevices: devices });
  media = new LocalMedia();
});
afterEach(() => {
  media.close();
  expect(devices.live).toEqual([]);
  expect(devices.listeners).toBe(0);
  expect(pageListenerCount()).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  for (const track of devices.opened) expect(track.listeners).toBeLessThanOrEqual(1);
  removeBrowser();
});

const fake = (track: MediaStreamTrack | undefined) => track as unknown as FakeTrack;
const idOf = (kind: "microphone" | "camera") => media.getState()[kind].track?.getSettings().deviceId;

function hide(hidden: boolean): void {
  (document as { hidden: boolean }).hidden = hidden;
  firePageEvent("visibilitychange");
}

describe("opening", () => {
  it("asks one question for both, and lists the devices", async () => {
    let changes = 0;
    media.on("changed", () => void changes++);
    await media.open();
    expect(devices.asked).toHaveLength(1);
    expect(media.getState()).toMatchObject({
      microphone: { on: true, starting: false, interrupted: false },
      camera: { on: true },
      devices: { audioinput: [{ id: "desk", label: "The desk" }] },
    });
    expect(changes).toBeGreaterThan(0);
    // Nothing that was seen is ever changed.
    const seen = media.getState();
    await media.setCamera(false);
    expect(seen.camera.on).toBe(true);
  });

  it("opens one without the other", async () => {
    devices.refuses.set("video", new DOMException("no", "NotReadableError"));
    await expectCode(media.open(), "device_in_use");
    expect(media.getState()).toMatchObject({
      microphone: { on: true },
      camera: { on: false, error: { code: "device_in_use" } },
    });
    devices.refuses.clear();
    await media.setCamera(true);
    expect(media.getState().camera).toMatchObject({ on: true, starting: false });
    expect(media.getState().camera.error).toBeUndefined();
  });

  it.each([
    ["NotAllowedError", "Permission denied", "permission_denied"],
    ["NotAllowedError", "Permission dismissed", "permission_dismissed"],
    ["SecurityError", "", "permission_denied"],
    ["NotFoundError", "", "device_not_found"],
    ["OverconstrainedError", "", "device_not_found"],
    ["NotReadableError", "", "device_in_use"],
    ["AbortError", "", "device_in_use"],
    ["TypeError", "", "media_failed"],
  ])("%s (%s) is %s", async (name, message, code) => {
    const refusal = new DOMException(message, name);
    devices.refuses.set("audio", refusal);
    await expectCode(media.setMicrophone(true), code);
    expect(media.getState().microphone).toMatchObject({ on: false, error: { code, cause: refusal } });
  });

  it("says what keeps the page from asking at all", async () => {
    vi.stubGlobal("isSecureContext", false);
    await expectCode(media.open(), "insecure_page");
    expect(media.getState().camera.error?.code).toBe("insecure_page");
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("navigator", {});
    await expectCode(media.setCamera(true), "not_supported");
    await expectCode(media.shareScreen(), "not_supported");
  });

  it("of two openings the later one counts", async () => {
    const first = media.setCamera(true);
    const closing = media.setCamera(false);
    await Promise.all([first, closing]);
    expect(media.getState().camera).toEqual({ on: false, starting: false, interrupted: false });
    expect(devices.live).toEqual([]);
  });

  it("what is opened while it is being closed is closed too", async () => {
    const opening = media.open();
    media.close();
    await opening;
    expect(devices.live).toEqual([]);
    expect(media.getState().camera).toEqual({ on: false, starting: false, interrupted: false });
  });

  it("opens nothing more once it is closed, not even the second device when the first was refused", async () => {
    vi.spyOn(devices, "getUserMedia").mockImplementationOnce(async () => {
      media.close();
      throw new DOMException("no", "NotReadableError");
    });
    await media.open();
    expect(devices.asked).toEqual([]);
    for (const late of [media.open(), media.open({ camera: false }), media.setCamera(true)]) {
      await expectCode(late, "invalid_state");
    }
    await expectCode(media.choose("camera", "lid"), "invalid_state");
    await expectCode(media.shareScreen(), "invalid_state");
    expect(devices.asked).toEqual([]);
    expect(media.getState().microphone).toEqual({ on: false, starting: false, interrupted: false });
  });
});

it("a microphone is muted, a camera closed", async () => {
  await media.open();
  const { track } = media.getState().microphone;
  await media.setMicrophone(false);
  await media.setCamera(false);
  expect(media.getState().microphone).toMatchObject({ on: false, track });
  expect(track?.enabled).toBe(false);
  expect(devices.live).toEqual(["desk"]);
  await media.setMicrophone(true);
  expect(track?.enabled).toBe(true);
  expect(media.getState().microphone.track).toBe(track);
});

describe("choosing", () => {
  it("switches to another device and lets go of the first", async () => {
    devices.plug("videoinput", "shelf");
    await media.open();
    await media.choose("camera", "shelf");
    expect(devices.live).toEqual(["desk", "shelf"]);
    expect(media.getState().chosen).toEqual({ camera: "shelf" });
    await media.setCamera(false);
    await media.choose("camera", "lid");
    expect(devices.live).toEqual(["desk"]);
    await media.setCamera(true);
    expect(idOf("camera")).toBe("lid");
  });

  it("keeps the one in use if the other cannot be opened", async () => {
    devices.plug("videoinput", "shelf");
    await media.open();
    const { track } = media.getState().camera;
    devices.refuses.set("video", new DOMException("no", "NotAllowedError"));
    await expectCode(media.choose("camera", "shelf"), "permission_denied");
    expect(media.getState().camera).toMatchObject({ on: true, track, error: { code: "permission_denied" } });
    expect(media.getState().chosen).toEqual({});
    expect(track?.readyState).toBe("live");
    devices.refuses.clear();
    await media.choose("camera", "shelf");
    expect(media.getState().camera.error).toBeUndefined();
  });

  it("closes the first camera first where only one can be open", async () => {
    devices.oneCamera = true;
    devices.plug("videoinput", "shelf");
    await media.setCamera(true);
    await media.choose("camera", "shelf");
    expect(devices.live).toEqual(["shelf"]);
  });

  it("flips between the sides of a phone", async () => {
    devices.oneCamera = true;
    devices.found = [];
    devices.plug("videoinput", "front", { facingMode: "user" });
    devices.plug("videoinput", "back", { facingMode: "environment" });
    await expectCode(media.flipCamera(), "invalid_state");
    await media.setCamera(true);
    for (const side of ["back", "front", "back"]) {
      await media.flipCamera();
      expect(devices.live).toEqual([side]);
    }
  });

  it("flips to the next camera where cameras have no side", async () => {
    await media.setCamera(true);
    await expectCode(media.flipCamera(), "device_not_found");
    devices.plug("videoinput", "shelf");
    await settle();
    await media.flipCamera();
    expect(idOf("camera")).toBe("shelf");
    await media.flipCamera();
    expect(idOf("camera")).toBe("lid");
  });
});

describe("devices that come and go", () => {
  const lost: unknown[] = [];
  beforeEach(() => {
    lost.length = 0;
    media.on("device_lost", (kind, id, fallback) => lost.push([kind, id, fallback?.getSettings().deviceId]));
  });

  it("another one takes over, and the chosen one again when it is back", async () => {
    devices.plug("audioinput", "headset");
    await media.open();
    await media.choose("microphone", "headset");
    devices.pull("headset");
    await settle();
    expect(lost).toEqual([["microphone", "headset", "desk"]]);
    expect(media.getState().microphone).toMatchObject({ on: true, interrupted: false });
    expect(idOf("microphone")).toBe("desk");
    devices.plug("audioinput", "headset");
    await settle();
    expect(idOf("microphone")).toBe("headset");
    expect(devices.live.sort()).toEqual(["headset", "lid"]);
  });

  it("without another one it is off, and says why", async () => {
    await media.open();
    devices.pull("lid");
    await settle();
    expect(lost).toEqual([["camera", "lid", undefined]]);
    expect(media.getState().camera).toMatchObject({ on: false, error: { code: "device_lost" } });
    expect(media.getState().devices.videoinput).toEqual([]);
  });

  it("a permission that was taken back is told as such", async () => {
    await media.open();
    devices.refuses.set("audio", new DOMException("no", "NotAllowedError"));
    fake(media.getState().microphone.track).end();
    await settle();
    expect(media.getState().microphone.error?.code).toBe("permission_denied");
  });

  it("a muted microphone goes without opening another", async () => {
    devices.plug("audioinput", "headset");
    await media.open();
    await media.setMicrophone(false);
    devices.pull("desk");
    await settle();
    expect(lost).toEqual([["microphone", "desk", undefined]]);
    expect(media.getState().microphone).toEqual({ on: false, starting: false, interrupted: false });
    await media.setMicrophone(true);
    expect(idOf("microphone")).toBe("headset");
  });

  it("goes along with a default that changes, unless the user chose", async () => {
    devices.found = [];
    devices.plug("audioinput", "default", { groupId: "one" });
    await media.setMicrophone(true);
    const first = media.getState().microphone.track;
    await media.setMicrophone(false);
    devices.found = [];
    devices.plug("audioinput", "default", { groupId: "two" });
    await settle();
    expect(media.getState().microphone).toEqual({ on: false, starting: false, interrupted: false });
    await media.setMicrophone(true);
    const second = media.getState().microphone.track;
    expect(second).not.toBe(first);
    devices.found = [];
    devices.plug("audioinput", "default", { groupId: "three" });
    await settle();
    expect(media.getState().microphone).toMatchObject({ on: true, starting: false });
    expect(media.getState().microphone.track).not.toBe(second);
    expect(second?.readyState).toBe("ended");
  });
});

describe("in the background", () => {
  it("a camera that ended there is opened again in front", async () => {
    await media.open();
    hide(true);
    fake(media.getState().camera.track).end();
    await settle();
    expect(media.getState().camera).toMatchObject({ on: true, interrupted: true });
    expect(devices.asked).toHaveLength(1);
    hide(false);
    await settle();
    expect(media.getState().camera).toMatchObject({ on: true, interrupted: false });
    expect(media.getState().camera.track?.readyState).toBe("live");
  });

  it("a microphone that the system silenced is opened again if it stays silent in front", async () => {
    await media.open();
    const { track } = media.getState().microphone;
    hide(true);
    fake(track).mute(true);
    expect(media.getState().microphone.interrupted).toBe(true);
    hide(false);
    await vi.advanceTimersByTimeAsync(PATIENCE);
    expect(media.getState().microphone.track).not.toBe(track);
    expect(media.getState().microphone).toMatchObject({ on: true, interrupted: false });
  });

  it("and left alone if its sound comes back by itself", async () => {
    await media.open();
    const { track } = media.getState().microphone;
    hide(true);
    fake(track).mute(true);
    hide(false);
    fake(track).mute(false);
    await vi.advanceTimersByTimeAsync(PATIENCE);
    expect(media.getState().microphone).toMatchObject({ track, interrupted: false });
  });
});

describe("the screen", () => {
  it("is shared with its sound, until it is stopped here or in the browser", async () => {
    await media.shareScreen();
    expect(devices.asked[0]).toMatchObject({ audio: { echoCancellation: false }, systemAudio: "include" });
    const { screen } = media.getState();
    expect(screen?.audio?.kind).toBe("audio");
    fake(screen?.video).end();
    expect(media.getState().screen).toBeUndefined();
    expect(screen?.audio?.readyState).toBe("ended");
    devices.screenSound = false;
    await media.shareScreen({ audio: true });
    expect(media.getState().screen?.audio).toBeUndefined();
    await media.shareScreen({ audio: false });
    expect(devices.asked.at(-1)).toMatchObject({ audio: false });
    media.stopScreen();
    expect(devices.live).toEqual([]);
  });

  it("is not shared by a user who closes the picker", async () => {
    devices.refuses.set("screen", new DOMException("Permission denied", "NotAllowedError"));
    await expectCode(media.shareScreen(), "permission_denied");
    expect(media.getState().screen).toBeUndefined();
  });
});
