import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LocalMedia, type RoomError } from "../src/index.js";
import { FakeMediaDevices } from "./fakes/devices.js";
import type { FakeTrack } from "./fakes/media.js";
import {
  connectedRoom,
  FakeServer,
  installBrowser,
  openRoom,
  removeBrowser,
  settle,
} from "./fakes/server.js";

let devices: FakeMediaDevices;
let server: FakeServer;
let media: LocalMedia;
beforeEach(() => {
  installBrowser();
  devices = new FakeMediaDevices();
  vi.stubGlobal("navigator", { mediaDevices: devices });
  server = new FakeServer();
  media = new LocalMedia();
});
afterEach(() => {
  media.close();
  removeBrowser();
});

const flags = () =>
  server.socket.requests("update_stream").map(({ audio, video }) => [audio?.enabled, video?.enabled]);

it("publishes what is on when the room is entered, and follows", async () => {
  await media.open();
  const room = await openRoom();
  media.publish(room);
  await room.connect();
  await settle();
  const { microphone, camera } = media.getState();
  expect(room.getLocalStreams().self).toMatchObject({
    audioTrack: microphone.track,
    videoTrack: camera.track,
    isConfigured: true,
  });
  await media.setMicrophone(false);
  await settle();
  await media.setCamera(false);
  await settle();
  expect(flags()).toEqual([
    [false, undefined],
    [undefined, false],
  ]);
  expect(room.getLocalStreams().self?.videoTrack).toBeUndefined();
});

it("switches the camera without negotiation", async () => {
  devices.plug("videoinput", "shelf");
  await media.open();
  const room = await connectedRoom();
  media.publish(room);
  await settle();
  const offers = () => server.socket.requests("offer").length + server.socket.requests("publish").length;
  const before = offers();
  await media.choose("camera", "shelf");
  await settle();
  expect(room.getLocalStreams().self?.videoTrack?.getSettings().deviceId).toBe("shelf");
  expect(offers()).toBe(before);
  // The others are told of no change: the picture went on.
  expect(flags()).toEqual([]);
});

it("publishes nothing before there is a device, and the screen as a stream of its own", async () => {
  const room = await connectedRoom();
  media.publish(room);
  await settle();
  expect(room.getLocalStreams()).toEqual({});
  await media.shareScreen();
  await settle();
  expect(Object.keys(room.getLocalStreams())).toEqual(["presentation"]);
  expect(room.getLocalStreams().presentation).toMatchObject({ isAudioEnabled: true, isVideoEnabled: true });
  // The user stops sharing in the browser.
  const shared = devices.opened.find(({ kind }) => kind === "video");
  shared?.end();
  await settle();
  expect(room.getLocalStreams()).toEqual({});
});

it("switches off what the system took away, and on again", async () => {
  await media.open();
  const room = await connectedRoom();
  media.publish(room);
  await settle();
  const camera = media.getState().camera.track as unknown as FakeTrack;
  camera.mute(true);
  await settle();
  camera.mute(false);
  await settle();
  expect(flags()).toEqual([
    [undefined, false],
    [undefined, true],
  ]);
});

it("withdraws everything when it is stopped, and follows no more", async () => {
  await media.open();
  const room = await connectedRoom();
  const publication = media.publish(room, { key: "me", screenKey: "desk" });
  await media.shareScreen();
  await settle();
  expect(Object.keys(room.getLocalStreams()).sort()).toEqual(["desk", "me"]);
  await publication.stop();
  expect(room.getLocalStreams()).toEqual({});
  await media.setMicrophone(false);
  await settle();
  expect(room.getLocalStreams()).toEqual({});
  expect(media.getState().camera.on).toBe(true);
});

it("tells what could not be published, and ends with the room", async () => {
  server.refuses.set("publish", { code: "forbidden", message: "no" });
  await media.open();
  const room = await connectedRoom();
  const errors: RoomError[] = [];
  media.publish(room, { onError: (error) => errors.push(error) });
  await settle();
  expect(errors.map(({ code }) => code)).toEqual(["forbidden"]);
  await room.disconnect();
  await media.setMicrophone(false);
  await settle();
  expect(errors).toHaveLength(1);
});

it("catches up with what changed while the connection was lost, whether the status shows it or not", async () => {
  await media.open();
  const room = await connectedRoom({ reconnect: { status: true } });
  media.publish(room);
  await settle();
  server.socket.drop(1006);
  expect(room.getState().status).toBe("reconnecting");
  await media.setMicrophone(false);
  await settle();
  expect(room.getState().status).toBe("connected");
  expect(room.getLocalStreams().self?.isAudioEnabled).toBe(false);
});

it("tries again what failed because the server no longer knew this client", async () => {
  const room = await connectedRoom({ reconnect: true });
  const errors: string[] = [];
  media.publish(room, { onError: ({ code }) => errors.push(code) });
  await settle();
  server.holds.add("publish");
  await media.open();
  await settle();
  server.holds.clear();
  server.resumes = null;
  server.socket.drop(1006);
  await settle();
  expect(errors).toEqual([]);
  expect(room.getLocalStreams().self).toMatchObject({ isConfigured: true, isAudioEnabled: true });
});

it("publishes anew what could not be published again after the room was entered again", async () => {
  await media.open();
  const room = await connectedRoom({ reconnect: true });
  media.publish(room);
  await settle();
  server.resumes = null;
  server.refuses.set("publish", { code: "overloaded", message: "no" });
  server.socket.drop(1006);
  await settle();
  expect(room.getLocalStreams()).toEqual({});
  server.refuses.clear();
  await media.setMicrophone(false);
  await settle();
  expect(room.getLocalStreams().self).toMatchObject({ isConfigured: true, isAudioEnabled: false });
});
