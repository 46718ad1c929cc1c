import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Room } from "../src/index.js";
import { START_LIMIT } from "../src/media/mixed-audio.js";
import { FakeAudio, FakeAudioContext } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  bob,
  bobStream,
  connectedRoom,
  expectCode,
  FakeServer,
  firePageEvent,
  installBrowser,
  openRoom,
  participant,
  removeBrowser,
  settle,
  stream,
} from "./fakes/server.js";

let server: FakeServer;
let devices: EventTarget & { enumerateDevices?: () => Promise<unknown[]> };
beforeEach(() => {
  installBrowser();
  devices = new EventTarget();
  vi.stubGlobal("navigator", { mediaDevices: devices });
  server = new FakeServer();
  server.participants = [participant(alice), participant(bob)];
  server.streams = [stream(aliceStream, alice), stream(bobStream, bob)];
});
afterEach(removeBrowser);

const both = { audio: true, video: true };
const trackOf = (room: Room, id: string) => room.getParticipantStream(id, "self")?.audioTrack;

it("plays each stream that is subscribed with audio, and no longer than that", async () => {
  const room = await connectedRoom({ playAudio: true, mixedAudio: false });
  await room.addSubscription(alice, "self", both);
  await room.addSubscription(bob, "self", { audio: false, video: true });
  expect(FakeAudio.heard()).toEqual([trackOf(room, alice)]);
  await room.updateSubscription(bob, "self", both);
  expect(FakeAudio.heard()).toEqual([trackOf(room, alice), trackOf(room, bob)]);
  await room.removeSubscription(alice, "self");
  expect(FakeAudio.heard()).toEqual([trackOf(room, bob)]);
  await room.disconnect();
  expect(FakeAudio.heard()).toEqual([]);
});

it("plays the mix once, if there is one, and nothing unless it is asked to", async () => {
  const room = await connectedRoom({ playAudio: true });
  await room.addSubscription(alice, "self", both);
  expect(FakeAudio.heard()).toEqual([room.getState().mixedAudioTrack]);
  await room.disconnect();
  server = new FakeServer();
  await connectedRoom();
  expect(FakeAudio.heard()).toEqual([]);
});

it("tells that the browser holds back the sound, and starts it when asked", async () => {
  FakeAudio.held = true;
  const room = await openRoom({ playAudio: true, mixedAudio: false });
  const told: boolean[] = [];
  room.on("audio_blocked_changed", (blocked, state) => {
    expect(state.audioBlocked).toBe(blocked);
    told.push(blocked);
  });
  await room.connect();
  await room.addSubscription(alice, "self", both);
  await settle();
  expect(told).toEqual([true]);
  await expectCode(room.startAudio(), "playback_blocked");
  FakeAudio.held = false;
  await room.startAudio();
  expect(told).toEqual([true, false]);
  expect(FakeAudio.heard()).toEqual([trackOf(room, alice)]);
});

it("a touch of the page starts it too", async () => {
  FakeAudio.held = true;
  const room = await connectedRoom({ playAudio: true, mixedAudio: false, autoSubscribe: true });
  await settle();
  expect(room.getState().audioBlocked).toBe(true);
  FakeAudio.held = false;
  firePageEvent("pointerdown");
  await settle();
  expect(room.getState().audioBlocked).toBe(false);
  expect(FakeAudio.heard()).toHaveLength(2);
});

it("knows of a mix that does not run, whoever plays it", async () => {
  FakeAudioContext.held = true;
  const room = await connectedRoom();
  await vi.advanceTimersByTimeAsync(START_LIMIT);
  expect(room.getState().audioBlocked).toBe(true);
  await expectCode(room.startAudio(), "playback_blocked");
  FakeAudioContext.held = false;
  await room.startAudio();
  expect(room.getState().audioBlocked).toBe(false);
});

it("a browser that neither starts the mix nor refuses is given up on", async () => {
  FakeAudioContext.held = true;
  const room = await connectedRoom();
  (FakeAudioContext.all[0] as FakeAudioContext).resume = () => new Promise(() => {});
  const refused = expectCode(room.startAudio(), "playback_blocked");
  await vi.advanceTimersByTimeAsync(START_LIMIT);
  await refused;
});

it("takes the sound up again when the page comes back to the front", async () => {
  const room = await connectedRoom({ playAudio: true });
  await settle();
  const context = FakeAudioContext.all[0] as FakeAudioContext;
  // What a phone does to a page during a telephone call.
  context.state = "interrupted";
  for (const player of FakeAudio.all) player.pause();
  expect(FakeAudio.heard()).toEqual([]);
  firePageEvent("visibilitychange");
  await settle();
  expect(context.state).toBe("running");
  expect(FakeAudio.heard()).toEqual([room.getState().mixedAudioTrack]);
});

it("begins and ceases to play at any time", async () => {
  const room = await openRoom({ mixedAudio: false, autoSubscribe: true });
  room.setAudioPlayback(true);
  await room.connect();
  await settle();
  expect(FakeAudio.heard()).toHaveLength(2);
  room.setAudioPlayback(false);
  expect(FakeAudio.heard()).toEqual([]);
  FakeAudio.held = true;
  room.setAudioPlayback(true);
  await settle();
  expect(room.getState().audioBlocked).toBe(true);
  room.setAudioPlayback(false);
  expect(room.getState().audioBlocked).toBe(false);
  expect(() => room.setAudioPlayback("yes" as never)).toThrow(
    expect.objectContaining({ code: "invalid_argument" }),
  );
  await room.disconnect();
  room.setAudioPlayback(true);
  expect(FakeAudio.heard()).toEqual([]);
});

it("plays on a chosen device, and on the default one when that goes away", async () => {
  const room = await connectedRoom({ playAudio: true, mixedAudio: false });
  await room.addSubscription(alice, "self", both);
  await expectCode(room.setAudioOutput("nowhere"), "device_not_found");
  await room.setAudioOutput("desk");
  await room.addSubscription(bob, "self", both);
  const outputs = () => FakeAudio.all.filter(({ srcObject }) => srcObject).map(({ sinkId }) => sinkId);
  expect(outputs()).toEqual(["desk", "desk"]);

  const lost: string[] = [];
  room.on("audio_output_lost", (id) => lost.push(id));
  devices.enumerateDevices = async () => [{ kind: "audiooutput", deviceId: "desk" }];
  devices.dispatchEvent(new Event("devicechange"));
  await settle();
  expect(lost).toEqual([]);
  devices.enumerateDevices = async () => [{ kind: "audiooutput", deviceId: "default" }];
  devices.dispatchEvent(new Event("devicechange"));
  await settle();
  expect(lost).toEqual(["desk"]);
  expect(outputs()).toEqual(["", ""]);
});

it("has no device to choose where the application plays the sound, or the browser offers none", async () => {
  const room = await connectedRoom();
  await expectCode(room.setAudioOutput("desk"), "invalid_state");
  await expectCode(room.setAudioOutput(7 as never), "invalid_argument");
  server = new FakeServer();
  vi.stubGlobal("HTMLMediaElement", class {});
  const other = await connectedRoom({ playAudio: true });
  await expectCode(other.setAudioOutput("desk"), "not_supported");
});

it("goes on while the connection is lost and the status shows it", async () => {
  const room = await connectedRoom({ playAudio: true, reconnect: { status: true } });
  const [player] = FakeAudio.all.filter(({ muted }) => !muted);
  server.holds.add("resume");
  server.socket.drop(1006);
  await settle();
  expect(room.getState().status).toBe("reconnecting");
  expect(player?.paused).toBe(false);
  expect(FakeAudio.heard()).toEqual([room.getState().mixedAudioTrack]);
});
