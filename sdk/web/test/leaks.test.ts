import { expect, it, vi } from "vitest";
import {
  audioTrack,
  FakeAudio,
  FakeAudioContext,
  FakePeerConnection,
  FakeTrack,
  videoTrack,
} from "./fakes/media.js";
import {
  alice,
  aliceStream,
  connectedRoom,
  openRoom,
  pageListenerCount,
  participant,
  server,
  settle,
  stream,
  withServer,
} from "./fakes/server.js";
import { FakeSocket } from "./fakes/socket.js";

withServer({ participants: [participant(alice)], streams: [stream(aliceStream, alice)] });

function expectNothingLeft(): void {
  expect(vi.getTimerCount()).toBe(0);
  expect(pageListenerCount()).toBe(0);
  for (const peer of FakePeerConnection.all) {
    expect(peer).toMatchObject({ connectionState: "closed", onconnectionstatechange: null });
  }
  for (const context of FakeAudioContext.all) {
    expect(context.state).toBe("closed");
    expect(context.heard()).toEqual([]);
  }
  for (const clone of FakeTrack.clones) expect(clone.stopped).toBe(true);
  for (const track of [...sent, ...FakeTrack.clones]) expect(track.listeners).toBe(0);
  for (const element of FakeAudio.all) expect(element.srcObject).toBeNull();
  for (const socket of FakeSocket.all) {
    expect(socket).toMatchObject({
      readyState: FakeSocket.CLOSED,
      onopen: null,
      onmessage: null,
      onclose: null,
    });
  }
}

const sent: FakeTrack[] = [];

/** A room that does all there is to do. */
async function busyRoom() {
  const room = await connectedRoom({ enableMessages: true, playAudio: true, tokenProvider: () => "fresh" });
  const [audio, video] = [audioTrack(), videoTrack()];
  sent.push(...([audio, video] as unknown as FakeTrack[]));
  await room.addStream("self", { audio, video });
  await room.addSubscription(alice, "self", { audio: true, video: true });
  await room.enableNetworkMetricsReport([alice]);
  await room.sendMessage({ type: "text", payload: "hi" });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(room.getState().status).toBe("connected");
  return room;
}

it("disconnect lets go of everything", async () => {
  const room = await busyRoom();
  expect(vi.getTimerCount()).toBeGreaterThan(0);
  expect(FakeTrack.clones.length).toBeGreaterThan(0);
  await room.disconnect();
  expectNothingLeft();
});

it("so does one that resumed, was entered again, and moved to another connection", async () => {
  const room = await connectedRoom({ reconnect: true });
  await room.addStream("self", { audio: audioTrack(), video: videoTrack() });
  await room.addSubscription(alice, "self", { audio: true, video: true });
  server.socket.drop(1006);
  await settle();
  server.resumes = null;
  server.socket.drop(1006);
  await settle();
  server.peer.become("connected");
  server.peer.become("failed");
  await vi.advanceTimersByTimeAsync(40_000);
  expect(FakeSocket.all).toHaveLength(3);
  expect(FakePeerConnection.all).toHaveLength(3);
  await room.disconnect();
  expectNothingLeft();
});

it("so does one that was only listening to the mix", async () => {
  await connectedRoom();
  server.socket.drop(1006);
  await settle();
  expectNothingLeft();
});

it.each([1006, 4001])("so does a connection that ends with %i", async (code) => {
  await busyRoom();
  server.socket.drop(code);
  await settle();
  expectNothingLeft();
});

it("so does a room that could not be entered, or was never entered", async () => {
  server.refuses.set("join", { code: "room_full", message: "no" });
  const full = await openRoom();
  await full.connect().catch(() => {});
  const unused = await openRoom();
  await unused.disconnect();
  server.refuses.set("hello", { code: "unauthorized", message: "no" });
  await openRoom().catch(() => {});
  expectNothingLeft();
});

it("so does a room with operations under way", async () => {
  const room = await connectedRoom({ enableMessages: true });
  for (const type of ["publish", "subscribe", "send_message"]) server.holds.add(type);
  const pending = [
    room.addStream("self"),
    room.addSubscription(alice, "self", { audio: true, video: true }),
    room.sendMessage({ type: "text", payload: "x" }),
  ];
  await settle();
  const outcomes = Promise.allSettled(pending);
  await room.disconnect();
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
  await settle();
  expectNothingLeft();
});

it("calls no listener after the end", async () => {
  const room = await busyRoom();
  let late = 0;
  await room.disconnect();
  room.on("state_changed", () => void late++);
  room.on("error", () => void late++);
  server.socket.onmessage?.({ data: "nonsense" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(late).toBe(0);
});
