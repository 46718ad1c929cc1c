import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { InitializeConfig, Room } from "../src/index.js";
import { TOKEN_TIMEOUT } from "../src/token-refresher.js";
import { audioTrack, type FakeDataChannel, FakePeerConnection, videoTrack } from "./fakes/media.js";
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
  pageListenerCount,
  participant,
  removeBrowser,
  settle,
  stream,
} from "./fakes/server.js";
import { FakeSocket } from "./fakes/socket.js";

let server: FakeServer;
beforeEach(() => {
  installBrowser();
  server = new FakeServer();
  server.participants = [participant(alice)];
  server.streams = [stream(aliceStream, alice)];
});
afterEach(removeBrowser);

/** A room that reconnects, and what it told of that. */
async function lastingRoom(config: Partial<InitializeConfig> = {}) {
  const room = await connectedRoom({ reconnect: true, enableMessages: true, ...config });
  const told: unknown[] = [];
  room.on("reconnecting", (state) => told.push(`reconnecting ${state.status}`));
  room.on("reconnected", ({ resumed }, state) => told.push(`reconnected ${resumed} ${state.status}`));
  room.on("disconnected", (reason) => told.push(`disconnected ${reason}`));
  return { room, told };
}

/** Nobody answers at the server's address, until the returned function is called. */
function unreachable(): () => void {
  const answer = FakeSocket.onCreate;
  FakeSocket.onCreate = (socket) => void setTimeout(() => socket.readyState < 2 && socket.drop(1006), 0);
  return () => {
    FakeSocket.onCreate = answer;
  };
}

function types(socket = server.socket): string[] {
  return socket.sent.map((frame) => frame.type);
}

async function publish(room: Room): Promise<string> {
  await room.addStream("self", { audio: audioTrack(), video: videoTrack() });
  return room.getLocalStreams().self?.id as string;
}

/** Media comes, and has for long enough that its end means something. */
async function flowing(): Promise<void> {
  server.peer.become("connected");
  server.peer.flow(true);
  await vi.advanceTimersByTimeAsync(3_000);
}

describe("a lost socket", () => {
  it.each([1006, 1001, 4408, 4500])("is resumed at once after %i, and nothing changes", async (code) => {
    const { room, told } = await lastingRoom();
    await publish(room);
    const before = room.getState();
    server.notice({ type: "recording_changed", recording: false });
    const seq = server.socket.seq;
    server.socket.drop(code);
    expect(told).toEqual(["reconnecting connected"]);
    await vi.advanceTimersByTimeAsync(code === 4500 ? 1_500 : 0);
    await settle();
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
    expect(room.getState()).toBe(before);
    const { localParticipantId: participant_id } = before;
    expect(server.socket.requests("resume")).toMatchObject([
      { token: "token", participant_id, secret: "secret", seq },
    ]);
    expect(FakeSocket.all).toHaveLength(2);
    expect(FakeSocket.all[0]?.closedWith).not.toBe(1000);
  });

  it("brings what was missed, in order", async () => {
    const { room } = await lastingRoom();
    const told: string[] = [];
    room.on("participant_joined", (id) => told.push(`joined ${id === bob}`));
    room.on("message_received", (_, { payload }) => told.push(payload));
    const seq = server.socket.seq;
    const message = (number: number, payload: string) => ({
      type: "message",
      seq: seq + number,
      from: alice,
      message: { type: "text", payload },
      recipients: [],
      sent_at: "2026-01-02T03:04:05.000000Z",
    });
    server.missed = [
      message(1, "a"),
      { type: "participant_joined", seq: seq + 2, participant: participant(bob) },
      message(3, "b"),
    ];
    server.socket.drop(1006);
    await settle();
    expect(told).toEqual(["a", "joined true", "b"]);
  });

  it("does not lose or repeat a request", async () => {
    const { room } = await lastingRoom();
    const outcomes: string[] = [];
    const send = (payload: string) =>
      room.sendMessage({ type: "text", payload }).then(
        () => outcomes.push(`${payload} sent`),
        (error) => outcomes.push(`${payload} ${error.code}`),
      );
    server.holds.add("send_message");
    void send("answered later");
    void send("never received");
    await settle();
    const [first] = server.socket.requests("send_message");
    server.resumes = { received: first?.id as number };
    server.missed = [{ type: "reply", re: first?.id, data: { not_delivered: [] } }];
    const reachable = unreachable();
    server.socket.drop(1006);
    await settle();
    void send("while away");
    await vi.advanceTimersByTimeAsync(20_000); // longer than a request may take
    expect(outcomes).toEqual([]);
    server.holds.clear();
    reachable();
    await vi.advanceTimersByTimeAsync(5_000);
    await settle();
    expect(outcomes).toEqual(["answered later sent", "never received sent", "while away sent"]);
    expect(server.socket.requests("send_message").map(({ message }) => message.payload)).toEqual([
      "never received",
      "while away",
    ]);
  });

  it("rejects what gets no answer after all", async () => {
    const { room } = await lastingRoom();
    server.holds.add("send_message");
    const rejected = expectCode(room.sendMessage({ type: "text", payload: "x" }), "timed_out");
    await settle();
    server.socket.drop(1006);
    await settle();
    await vi.advanceTimersByTimeAsync(15_000);
    await rejected;
  });

  it("makes the state true from a snapshot, with the events that led there", async () => {
    server.participants.push(participant(bob));
    const { room } = await lastingRoom();
    const own = await publish(room);
    const told: string[] = [];
    room.on("participant_left", (id) => told.push(`left ${id === alice}`));
    room.on("stream_unpublished", (id, key) => told.push(`unpublished ${id === alice} ${key}`));
    room.on("stream_published", (id, key) => told.push(`published ${id === bob} ${key}`));
    room.on("participant_connection_changed", (id, there) => told.push(`${id === bob} ${there}`));
    room.on("recording_changed", (recording) => told.push(`recording ${recording}`));
    room.on("dominant_speaker_changed", (id) => told.push(`dominant ${id === bob}`));
    room.on("audio_activity", (id, key) => told.push(`heard ${id === bob} ${key}`));
    const self = room.getState().localParticipantId;
    const snapshot = {
      participants: [participant(self), participant(bob, { connection_lost: true })],
      streams: [stream(own, self), stream(bobStream, bob)],
      recording: true,
      speakers: { streams: [bobStream], dominant: bob },
    };
    server.resumes = { seq: 40, snapshot };
    server.socket.drop(1006);
    await settle();
    expect(told).toEqual([
      "unpublished true self",
      "left true",
      "true false",
      "published true self",
      "dominant true",
      "recording true",
      "heard true null",
    ]);
    expect([...room.getState().streams.keys()]).toEqual([own, bobStream]);
    const errors: unknown[] = [];
    room.on("error", (error) => errors.push(error));
    server.notice({ type: "connection_changed", participant_id: bob, connected: true });
    expect(told.at(-1)).toBe("true true");
    expect(room.getState().participants.get(bob)?.isConnectionLost).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it("lets a key be used again whose stream was withdrawn meanwhile", async () => {
    const { room } = await lastingRoom();
    await publish(room);
    const self = room.getState().localParticipantId;
    const speakers = { streams: [], dominant: null };
    const snapshot = { participants: [participant(self)], streams: [], recording: false, speakers };
    server.resumes = { seq: 40, snapshot };
    server.socket.drop(1006);
    await settle();
    expect(room.getLocalStreams()).toEqual({});
    await publish(room);
    expect(room.getLocalStreams().self?.isConfigured).toBe(true);
  });

  it("is tried with growing pauses, and at once when the network is back", async () => {
    const { told } = await lastingRoom();
    const reachable = unreachable();
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(10_000);
    const tries = FakeSocket.all.length - 1;
    expect(tries).toBeGreaterThanOrEqual(5);
    expect(tries).toBeLessThanOrEqual(9);
    reachable();
    firePageEvent("online");
    await settle();
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
  });

  it("is not waited for when an attempt hangs and the network comes back", async () => {
    const { told } = await lastingRoom();
    const answer = FakeSocket.onCreate;
    FakeSocket.onCreate = () => {};
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(1_000);
    FakeSocket.onCreate = answer;
    firePageEvent("online");
    await vi.advanceTimersByTimeAsync(300);
    await settle();
    expect(told.at(-1)).toBe("reconnected true connected");
  });

  it("ends the room once, after two minutes", async () => {
    const { room, told } = await lastingRoom();
    unreachable();
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(110_000);
    expect(told).toEqual(["reconnecting connected"]);
    const rejected = expectCode(room.sendMessage({ type: "text", payload: "x" }), "network_error");
    await vi.advanceTimersByTimeAsync(30_000);
    await rejected;
    expect(told).toEqual(["reconnecting connected", "disconnected network_error"]);
    expect(vi.getTimerCount()).toBe(0);
    expect(pageListenerCount()).toBe(0);
  });

  it("leaves nothing behind when the room is left meanwhile", async () => {
    for (const delay of [0, 100, 1_000, 6_000]) {
      const { room, told } = await lastingRoom();
      const reachable = unreachable();
      server.socket.drop(1006);
      await vi.advanceTimersByTimeAsync(delay);
      await room.disconnect();
      const sockets = FakeSocket.all.length;
      reachable();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(FakeSocket.all).toHaveLength(sockets);
      expect(told).toEqual(["reconnecting connected", "disconnected user_initiated"]);
      expect(vi.getTimerCount()).toBe(0);
      expect(pageListenerCount()).toBe(0);
    }
  });

  it("shows as a status if the application wants it", async () => {
    const { room, told } = await lastingRoom({ reconnect: { status: true } });
    server.socket.drop(1006);
    expect(room.getState().status).toBe("reconnecting");
    await settle();
    expect(told).toEqual(["reconnecting reconnecting", "reconnected true connected"]);
    server.socket.drop(1006);
    const adding = publish(room); // as if it were connected
    await settle();
    await adding;
  });

  it.each([
    [4000, "session_terminated"],
    [4001, "kicked"],
    [4002, "room_expired"],
    [4401, "unauthorized"],
    [4410, "replaced"],
    [4420, "unknown"],
    [4999, "unknown"],
  ])("does not come back after close code %i", async (code, reason) => {
    const { told } = await lastingRoom();
    server.socket.drop(code);
    await settle();
    expect(told).toEqual([`disconnected ${reason}`]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("learns that it was kicked meanwhile", async () => {
    const { told } = await lastingRoom();
    server.refuses.set("resume", { code: "not_resumable", message: "kicked", close: 4001 });
    server.socket.drop(1006);
    await settle();
    expect(told).toEqual(["reconnecting connected", "disconnected kicked"]);
    expect(types()).not.toContain("join");
  });

  it("is noticed by a probe when the page is looked at again", async () => {
    const { told } = await lastingRoom();
    server.holds.add("ping");
    firePageEvent("visibilitychange");
    await vi.advanceTimersByTimeAsync(1_900);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
  });

  it("is noticed soon after the machine slept", async () => {
    const { told } = await lastingRoom();
    await vi.advanceTimersByTimeAsync(4_000);
    server.holds.add("ping");
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(3_100);
    await settle();
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
  });
});

describe("tokens", () => {
  it("uses the last one, and asks for another when it was refused", async () => {
    const { room, told } = await lastingRoom({ tokenProvider: () => "fresh" });
    await room.updateClientToken("second");
    server.refuses.set("resume", { code: "unauthorized", message: "expired", close: 4401 });
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(100);
    expect(server.socket.requests("resume")).toMatchObject([{ token: "second" }]);
    server.refuses.clear();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.socket.requests("resume")).toMatchObject([{ token: "fresh" }]);
    expect(told.at(-1)).toBe("reconnected true connected");
  });

  it("uses the one that was handed over while the connection was lost", async () => {
    const { room, told } = await lastingRoom();
    const reachable = unreachable();
    server.socket.drop(1006);
    const updated = room.updateClientToken("fresh");
    await vi.advanceTimersByTimeAsync(2_000);
    server.resumes = null;
    reachable();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.socket.requests("resume")).toMatchObject([{ token: "fresh" }]);
    expect(server.socket.requests("hello")).toMatchObject([{ token: "fresh" }]);
    expect(told.at(-1)).toBe("reconnected false connected");
    await updated;
  });

  it("are not waited for without end", async () => {
    const { room, told } = await lastingRoom({ tokenProvider: () => new Promise<string>(() => {}) });
    const errors: string[] = [];
    room.on("error", ({ code, cause }) => errors.push(`${code} ${(cause as { code?: string }).code}`));
    server.refuses.set("resume", { code: "unauthorized", message: "expired", close: 4401 });
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(TOKEN_TIMEOUT + 100);
    expect(errors).toEqual(["unauthorized timed_out"]);
    server.refuses.clear();
    await vi.advanceTimersByTimeAsync(TOKEN_TIMEOUT + 5_000);
    expect(told.at(-1)).toBe("reconnected true connected");
  });

  it("gives up when there is no other", async () => {
    const { told } = await lastingRoom();
    server.refuses.set("resume", { code: "unauthorized", message: "expired", close: 4401 });
    server.socket.drop(1006);
    await settle();
    expect(told).toEqual(["reconnecting connected", "disconnected unauthorized"]);
  });
});

describe("a server that knows nothing of this client", () => {
  it("is entered again: new ids, everything published and subscribed again", async () => {
    const { room, told } = await lastingRoom();
    const mix = room.getState().mixedAudioTrack;
    const own = await publish(room);
    await room.addSubscription(alice, "self", { audio: true, video: true, quality: "low" });
    const id = room.getState().localParticipantId;
    const events: string[] = [];
    room.on("stream_unpublished", (of, key) => events.push(`unpublished ${of === id} ${key}`));
    room.on("stream_published", (of, key, state) =>
      events.push(`published ${of === state.localParticipantId && of !== id} ${key}`),
    );
    room.on("subscription_started", (of) => events.push(`started ${of === alice}`));
    server.resumes = null;
    const [peer] = FakePeerConnection.all;
    server.socket.drop(1006);
    await settle();
    expect(types().slice(0, 3)).toEqual(["resume", "hello", "join"]);
    expect(told).toEqual(["reconnecting connected", "reconnected false connected"]);
    const state = room.getState();
    expect(state.localParticipantId).not.toBe(id);
    expect(room.getLocalParticipant()).toMatchObject({ id: state.localParticipantId, origin: "local" });
    expect([...state.participants.keys()].sort()).toEqual([alice, state.localParticipantId].sort());
    expect(room.getLocalStreams().self).toMatchObject({ isConfigured: true, isVideoEnabled: true });
    expect(room.getLocalStreams().self?.id).not.toBe(own);
    expect(server.socket.requests("subscribe")).toMatchObject([{ stream_id: aliceStream, quality: "low" }]);
    expect(events[0]).toBe("unpublished true self");
    expect(events.slice(1).sort()).toEqual(["published true self", "started true"]);
    expect(state.mixedAudioTrack).toBe(mix);
    expect(peer?.connectionState).toBe("closed");
    expect(FakePeerConnection.all).toHaveLength(2);
    // It is as good as the first.
    server.resumes = {};
    server.socket.drop(1006);
    await settle();
    expect(server.socket.requests("resume")).toMatchObject([{ participant_id: state.localParticipantId }]);
    expect(told.at(-1)).toBe("reconnected true connected");
  });

  it("pauses nothing yet", async () => {
    const { room } = await lastingRoom();
    await room.addSubscription(alice, "self", { audio: true, video: true });
    server.notice({ type: "subscription_paused", stream_id: aliceStream, paused: true, reason: "bandwidth" });
    const resumed: string[] = [];
    room.on("subscription_resumed", (id, key) => resumed.push(`${id === alice} ${key}`));
    server.resumes = null;
    server.socket.drop(1006);
    await settle();
    const subscription = room.getState().subscriptions.get(alice)?.get("self");
    expect(subscription).not.toHaveProperty("videoPaused");
    expect(resumed).toEqual(["true self"]);
  });

  it("is waited for while it restarts", async () => {
    const { room, told } = await lastingRoom();
    await publish(room);
    server.resumes = null;
    server.participants = [];
    server.streams = [];
    const left: string[] = [];
    room.on("participant_left", (id) => left.push(id));
    const reachable = unreachable();
    server.socket.drop(4003);
    await vi.advanceTimersByTimeAsync(700);
    expect(FakeSocket.all).toHaveLength(1); // not all at once
    await vi.advanceTimersByTimeAsync(20_000);
    reachable();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toEqual(["reconnecting connected", "reconnected false connected"]);
    expect(left).toEqual([alice]);
    expect(room.getLocalStreams().self?.isConfigured).toBe(true);
  });

  it("rejects what waited for an answer, and publishes what is added then", async () => {
    const { room } = await lastingRoom();
    server.holds.add("publish");
    server.resumes = null;
    const rejected = expectCode(room.addStream("self", { audio: audioTrack() }), "network_error");
    await settle();
    server.socket.drop(1006);
    await settle();
    await rejected;
    server.holds.clear();
    await publish(room);
    expect(room.getLocalStreams().self?.isConfigured).toBe(true);
  });

  it("ends the room if there is no seat any more", async () => {
    const { told } = await lastingRoom();
    server.resumes = null;
    server.refuses.set("join", { code: "room_full", message: "no", close: 4429 });
    server.socket.drop(1006);
    await settle();
    expect(told).toEqual(["reconnecting connected", "disconnected forbidden"]);
  });
});

describe("lost media", () => {
  it("is restarted at once, and again until it is back", async () => {
    const { told } = await lastingRoom();
    server.peer.become("connected");
    const offers = () => server.socket.requests("offer").length;
    const before = offers();
    server.peer.become("disconnected");
    await settle();
    expect(server.peer.restarts).toBe(1);
    expect(offers()).toBe(before + 1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.peer.restarts).toBe(2);
    server.peer.become("connected");
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.peer.restarts).toBe(2);
  });

  it("waits for the socket, and is told of as one loss with it", async () => {
    const { told } = await lastingRoom();
    server.peer.become("connected");
    const reachable = unreachable();
    server.socket.drop(1006);
    server.peer.become("disconnected");
    await vi.advanceTimersByTimeAsync(8_000);
    expect(server.peer.restarts).toBe(0);
    reachable();
    firePageEvent("online");
    await settle();
    expect(server.peer.restarts).toBe(1);
    expect(told).toEqual(["reconnecting connected"]);
    server.peer.become("connected");
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
  });

  it("is noticed by missing packets, and offered when the socket is back that was lost with it", async () => {
    const { told } = await lastingRoom();
    await flowing();
    const before = server.socket.requests("offer").length;
    server.holds.add("ping");
    const reachable = unreachable();
    server.peer.flow(false);
    await vi.advanceTimersByTimeAsync(1_250);
    expect(told).toEqual(["reconnecting connected"]);
    expect(server.peer.restarts).toBe(1); // the browser looks for its new ways already
    expect(server.socket.requests("offer").length).toBe(before);
    server.peer.flow(true);
    server.holds.delete("ping");
    reachable();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
    expect(server.socket.requests("offer")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.peer.restarts).toBe(1);
  });

  it("is not what it means when nobody says anything", async () => {
    const { told } = await lastingRoom();
    await flowing();
    const pings = server.socket.requests("ping").length;
    server.peer.flow(false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(server.socket.requests("ping").length).toBeGreaterThan(pings);
    expect(told).toEqual([]);
    expect(server.peer.restarts).toBe(0);
  });

  it("ends the wait for the socket when it flows again", async () => {
    const { told } = await lastingRoom();
    await flowing();
    const answer = FakeSocket.onCreate;
    FakeSocket.onCreate = () => {};
    server.holds.add("ping");
    server.peer.flow(false);
    await vi.advanceTimersByTimeAsync(3_000);
    const tried = FakeSocket.all.length;
    FakeSocket.onCreate = answer;
    server.peer.flow(true);
    await vi.advanceTimersByTimeAsync(600);
    expect(FakeSocket.all.length).toBe(tried + 1);
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
  });

  it("moves to another connection when restarts do not help", async () => {
    const { room, told } = await lastingRoom();
    const own = await publish(room);
    await room.addSubscription(alice, "self", { audio: true, video: true });
    const before = room.getParticipantStream(alice, "self");
    const events: string[] = [];
    for (const event of ["stream_unpublished", "stream_published", "subscription_started"] as const) {
      room.on(event, () => events.push(event));
    }
    server.peer.become("connected");
    server.peer.become("failed");
    await vi.advanceTimersByTimeAsync(31_000);
    await settle();
    expect(FakePeerConnection.all.map((peer) => peer.connectionState)).toEqual(["closed", "new"]);
    const [moved] = server.socket.requests("replace_media");
    expect(moved?.streams).toMatchObject([{ stream_id: own, audio: { mid: "0" }, video: { mid: "1" } }]);
    expect(room.getLocalStreams().self?.id).toBe(own);
    const after = room.getParticipantStream(alice, "self");
    expect(after?.isConfigured).toBe(true);
    expect(after?.videoTrack).not.toBe(before?.videoTrack);
    expect(events).toEqual(["subscription_started"]);
    expect(told).toEqual(["reconnecting connected"]);
    server.peer.become("connected");
    expect(told).toEqual(["reconnecting connected", "reconnected true connected"]);
    await room.updateStream("self", { audio: audioTrack() });
    const [lossy] = server.peer.channels as [FakeDataChannel];
    lossy.readyState = "open";
    await room.sendData(new Uint8Array([7]), { reliable: false });
    expect(lossy.sent).toHaveLength(1);
    await room.disconnect();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is joined anew when that is refused, once", async () => {
    const { room, told } = await lastingRoom();
    await publish(room);
    server.refuses.set("replace_media", { code: "media_failed", message: "no" });
    server.peer.become("connected");
    server.peer.become("failed");
    await vi.advanceTimersByTimeAsync(31_000);
    await settle();
    expect(FakeSocket.all[0]?.sent.at(-1)?.type).toBe("leave");
    expect(types().slice(0, 2)).toEqual(["hello", "join"]);
    expect(FakePeerConnection.all).toHaveLength(3);
    expect(told).toEqual(["reconnecting connected", "reconnected false connected"]);
    expect(room.getLocalStreams().self?.isConfigured).toBe(true);
    server.peer.become("failed");
    await vi.advanceTimersByTimeAsync(31_000);
    expect(told.at(-1)).toBe("disconnected network_error");
  });
});
