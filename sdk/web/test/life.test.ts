import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { initialize, RoomError, version } from "../src/index.js";
import { FakeAudioContext, FakePeerConnection } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  connectedRoom,
  expectCode,
  FakeServer,
  firePageEvent,
  installBrowser,
  openRoom,
  participant,
  removeBrowser,
  roomId,
  settle,
  stream,
} from "./fakes/server.js";
import { FakeSocket } from "./fakes/socket.js";

let server: FakeServer;
beforeEach(() => {
  installBrowser();
  server = new FakeServer();
});
afterEach(removeBrowser);

describe("initialize", () => {
  it("says hello and gives a room that is initialized", async () => {
    const room = await openRoom({ context: "C" });
    expect(server.socket.url).toBe("wss://rooms.example/v2/signal");
    expect(server.socket.protocol).toBe("rotunda.v1");
    const client = { name: "@rotunda/video", version };
    expect(server.socket.sent).toEqual([{ id: 1, type: "hello", version: 1, token: "token", client }]);
    expect(room.id).toBe(roomId);
    expect(room.getState().status).toBe("initialized");
    expect(room.getLocalParticipant()).toEqual({
      id: room.getState().localParticipantId,
      origin: "local",
      context: "C",
      streams: {},
      canReceiveMessages: false,
    });
    expect(room.getState().localParticipantId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it.each([
    ["https://a.example", "wss://a.example/v2/signal"],
    ["http://127.0.0.1:8080/", "ws://127.0.0.1:8080/v2/signal"],
    ["https://a.example/video/", "wss://a.example/video/v2/signal"],
  ])("finds the socket of %s", async (serverUrl, url) => {
    await openRoom({ serverUrl });
    expect(server.socket.url).toBe(url);
  });

  it.each([
    ["an empty room id", { roomId: "" }],
    ["an empty token", { clientToken: " " }],
    ["a context that is no string", { context: {} }],
    ["a wrong log level", { logLevel: "LOUD" }],
    ["a server that is no address", { serverUrl: "nowhere" }],
    ["a server of another kind", { serverUrl: "ftp://a.example" }],
    ["a token provider that is no function", { tokenProvider: "t" }],
    ["a logger that lacks a method", { logger: { warn: () => {} } }],
    ["ICE servers that are none", { iceServers: [{ urls: "turn.example" }] }],
    ["an unknown ICE transport policy", { iceTransportPolicy: "turn" }],
  ])("rejects %s at once", async (_, wrong) => {
    await expectCode(initialize({ roomId, clientToken: "t", ...wrong } as never), "invalid_argument");
    expect(FakeSocket.all).toEqual([]);
  });

  it("rejects without WebRTC", async () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    await expectCode(initialize({ roomId, clientToken: "t" }), "not_supported");
  });

  it.each(["unauthorized", "forbidden", "room_not_found", "unavailable"])(
    "rejects at once with %s",
    async (code) => {
      server.refuses.set("hello", { code, message: "no", close: 4401 });
      const opening = expectCode(openRoom(), code);
      await settle();
      await opening;
    },
  );

  it("rejects with the meaning of the close code when there is no refusal", async () => {
    server.holds.add("hello");
    const opening = openRoom();
    const rejected = expectCode(opening, "unauthorized");
    await settle();
    server.socket.drop(4401);
    await rejected;
  });

  it("rejects at once when the server cannot be reached", async () => {
    FakeSocket.onCreate = (socket) => setTimeout(() => socket.drop(1006), 0);
    await expectCode(openRoom(), "network_error");
  });

  it("rejects after 30 s when the server never answers", async () => {
    FakeSocket.onCreate = () => {};
    const rejected = expectCode(openRoom(), "timed_out");
    await vi.advanceTimersByTimeAsync(30_000);
    await rejected;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects a token of another room", async () => {
    await expectCode(openRoom({ roomId: alice }), "unauthorized");
  });

  it("rejects a context beyond the server's limit", async () => {
    await expectCode(openRoom({ context: "é".repeat(2049) }), "invalid_argument");
  });

  it("never puts the token into the log", async () => {
    const lines: unknown[] = [];
    const write = (...line: unknown[]) => void lines.push(...line);
    const logger = { debug: write, info: write, warn: write, error: write };
    const room = await connectedRoom({ clientToken: "very-secret", logLevel: "TRACE", logger });
    await room.updateClientToken("very-secret-2");
    server.socket.deliverText("no json");
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toContain("very-secret");
  });
});

describe("connect", () => {
  it("enters the room and shows what is there", async () => {
    server.participants = [participant(alice)];
    server.streams = [stream(aliceStream, alice)];
    const room = await openRoom({ context: "C", enableMessages: true });
    const told: string[] = [];
    room.on("state_changed", (state) => told.push(`state ${state.status}`));
    room.on("connected", (state) => told.push(`connected ${state.status} ${state.streams.size}`));
    for (const event of ["participant_joined", "stream_published"] as const)
      room.on(event, () => told.push(event));
    await room.connect();
    expect(server.socket.requests("join")).toMatchObject([
      { participant_id: room.getState().localParticipantId, context: "C", receives_messages: true },
    ]);
    expect(told).toEqual(["state connecting", "state connected", "connected connected 1"]);
    expect(room.getState().mixedAudioTrack?.kind).toBe("audio");
  });

  it("offers a pair of receive lines while it joins", async () => {
    server.holds.add("join");
    const room = await openRoom();
    room.connect().catch(() => {});
    await settle();
    expect(server.socket.sent.map((frame) => frame.type)).toEqual(["hello", "join", "offer"]);
    expect(server.peer.transceivers.map((line) => [line.kind, line.direction])).toEqual([
      ["audio", "recvonly"],
      ["video", "recvonly"],
    ]);
    await room.disconnect();
  });

  it("uses the ICE servers of the server unless given others", async () => {
    server.hello = { ice_servers: [{ urls: ["turn:t.example"], username: "u", credential: "c" }] };
    await connectedRoom();
    expect(server.peer.configuration.iceServers).toEqual(server.hello.ice_servers);
    await connectedRoom({ iceServers: [{ urls: "stun:mine" }], iceTransportPolicy: "relay" });
    expect(server.peer.configuration).toMatchObject({
      iceServers: [{ urls: "stun:mine" }],
      iceTransportPolicy: "relay",
    });
  });

  it("takes fresh credentials of ICE servers, unless the application named its own", async () => {
    server.hello = { ice_servers: [{ urls: ["turn:t.example"], username: "u", credential: "old" }] };
    const fresh = [{ urls: ["turn:t.example"], username: "u", credential: "fresh" }];
    await connectedRoom({ iceTransportPolicy: "relay" });
    server.notice({ type: "ice_servers_changed", ice_servers: fresh });
    expect(server.peer.configuration).toMatchObject({
      bundlePolicy: "max-bundle",
      iceServers: fresh,
      iceTransportPolicy: "relay",
    });
    await connectedRoom({ iceServers: [{ urls: "stun:mine" }] });
    server.notice({ type: "ice_servers_changed", ice_servers: fresh });
    expect(server.peer.configuration.iceServers).toEqual([{ urls: "stun:mine" }]);
  });

  it.each([
    ["room_full", 4429, "forbidden"],
    ["room_not_found", 4404, "room_expired"],
    ["duplicate_participant", 4409, "unknown"],
  ])("rejects with %s", async (code, close, reason) => {
    server.refuses.set("join", { code, message: "no", close });
    const room = await openRoom();
    const reasons: string[] = [];
    room.on("disconnected", (why) => reasons.push(why));
    await expectCode(room.connect(), code === "duplicate_participant" ? "invalid_state" : code);
    expect(reasons).toEqual([reason]);
    expect(room.getState().status).toBe("disconnected");
  });

  it("gives up after 30 s with one disconnected", async () => {
    server.holds.add("join");
    server.hello = {};
    const room = await openRoom();
    const reasons: string[] = [];
    room.on("disconnected", (reason) => reasons.push(reason));
    const rejected = expectCode(room.connect(), "timed_out");
    await vi.advanceTimersByTimeAsync(60_000);
    await rejected;
    expect(reasons).toEqual(["timed_out"]);
  });

  it("rejects when the server closes meanwhile", async () => {
    server.holds.add("join");
    const room = await openRoom();
    const rejected = expectCode(room.connect(), "unavailable");
    await settle();
    server.socket.drop(4503);
    await rejected;
  });

  it("rejects when the socket died after initialize", async () => {
    const room = await openRoom();
    const reasons: string[] = [];
    room.on("disconnected", (reason) => reasons.push(reason));
    server.socket.drop(1006);
    expect(room.getState().status).toBe("disconnected");
    await expectCode(room.connect(), "network_error");
    expect(reasons).toEqual(["network_error"]);
  });

  it("rejects a second time, and after the end", async () => {
    const room = await connectedRoom();
    await expectCode(room.connect(), "invalid_state");
    await room.disconnect();
    await expectCode(room.connect(), "invalid_state");
  });

  it("rejects when it is disconnected meanwhile", async () => {
    server.holds.add("join");
    const room = await openRoom();
    const rejected = expectCode(room.connect(), "invalid_state");
    await settle();
    await room.disconnect();
    await rejected;
  });
});

describe("the end", () => {
  it("disconnect resolves after disconnected, with all media closed", async () => {
    const room = await connectedRoom();
    const told: unknown[] = [];
    room.on("state_changed", (state) => told.push(state.status, state.participants.size));
    room.on("disconnected", (reason, state) => told.push(reason, state));
    room.on("participant_leaving", () => told.push("leaving"));
    await room.disconnect();
    expect(told).toEqual(["disconnected", 1, "user_initiated", room.getState()]);
    expect(server.socket.sent.at(-1)?.type).toBe("leave");
    expect(server.socket.closedWith).toBe(1000);
    expect(server.peer.connectionState).toBe("closed");
    expect(FakeAudioContext.all[0]?.state).toBe("closed");
    await room.disconnect();
    expect(told).toHaveLength(4);
  });

  it.each([
    [4000, "session_terminated"],
    [4001, "kicked"],
    [4002, "room_expired"],
    [4003, "network_error"],
    [4401, "unauthorized"],
    [4403, "forbidden"],
    [4404, "room_expired"],
    [4408, "network_error"],
    [4429, "forbidden"],
    [4500, "network_error"],
    [4503, "network_error"],
    [4504, "network_error"],
    [1006, "network_error"],
    [1001, "network_error"],
    [4999, "unknown"],
  ])("close code %i is %s", async (code, reason) => {
    const room = await connectedRoom();
    const told: unknown[] = [];
    room.on("participant_leaving", (id, why, state) =>
      told.push(["leaving", id === state.localParticipantId, why]),
    );
    room.on("disconnected", (why) => told.push(why));
    server.socket.drop(code);
    expect(told).toEqual(reason === "kicked" ? [["leaving", true, "kicked"], "kicked"] : [reason]);
  });

  it("rejects everything that is pending", async () => {
    server.participants = [participant(alice)];
    server.streams = [stream(aliceStream, alice)];
    const room = await connectedRoom({ enableMessages: true });
    for (const type of ["publish", "subscribe", "send_message", "update_token"]) server.holds.add(type);
    const pending = [
      room.addStream("self"),
      room.addSubscription(alice, "self", { audio: true, video: true }),
      room.sendMessage({ type: "text", payload: "x" }),
      room.updateClientToken("fresh"),
    ].map((promise) => expectCode(promise, "unavailable"));
    await settle();
    server.socket.drop(4003);
    await Promise.all(pending);
  });

  it("notices a silent server after 10 s", async () => {
    const room = await connectedRoom();
    const reasons: string[] = [];
    room.on("disconnected", (reason) => reasons.push(reason));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(reasons).toEqual([]);
    expect(server.socket.requests("ping").length).toBe(6);
    server.holds.add("ping");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reasons).toEqual(["network_error"]);
  });

  it("tells the server when the page goes away", async () => {
    await connectedRoom();
    firePageEvent("pagehide");
    expect(server.socket.sent.at(-1)?.type).toBe("leave");
    expect(server.socket.closedWith).toBe(1000);
  });

  it("refuses everything afterwards", async () => {
    const room = await connectedRoom({ enableMessages: true });
    await room.disconnect();
    const config = { audio: true, video: true };
    for (const call of [
      room.addStream("a"),
      room.updateStream("a"),
      room.removeStream("a"),
      room.addSubscription(alice, "self", config),
      room.sendMessage({ type: "text", payload: "" }),
      room.updateClientToken("t"),
      room.enableNetworkMetricsReport([]),
    ]) {
      await expectCode(call, "invalid_state");
    }
  });
});

describe("tokens", () => {
  it("hands over a fresh one", async () => {
    const room = await connectedRoom();
    await room.updateClientToken("fresh");
    expect(server.socket.requests("update_token")).toMatchObject([{ token: "fresh" }]);
    await expectCode(room.updateClientToken(""), "invalid_argument");
    server.refuses.set("update_token", { code: "unauthorized", message: "forged" });
    await expectCode(room.updateClientToken("forged"), "unauthorized");
  });

  it("asks the provider before each expiry", async () => {
    let count = 0;
    const room = await connectedRoom({ tokenProvider: () => `token ${++count}` });
    await vi.advanceTimersByTimeAsync(479_000);
    expect(count).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(count).toBe(1);
    await vi.advanceTimersByTimeAsync(480_000);
    expect(server.socket.requests("update_token").map((frame) => frame.token)).toEqual([
      "token 1",
      "token 2",
    ]);
    await room.disconnect();
  });

  it("tells of a provider that fails, and tries again", async () => {
    let fail = true;
    const room = await connectedRoom({
      tokenProvider: async () => {
        if (fail) throw new Error("backend is down");
        return "fresh";
      },
    });
    const errors: RoomError[] = [];
    room.on("error", (error) => errors.push(error));
    await vi.advanceTimersByTimeAsync(481_000);
    expect(errors).toMatchObject([{ code: "unauthorized" }]);
    fail = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.socket.requests("update_token")).toHaveLength(1);
  });
});

describe("what the server says", () => {
  it("is applied in order of arrival, even right behind an answer", async () => {
    server.participants = [participant(alice)];
    server.streams = [stream(aliceStream, alice)];
    server.holds.add("join");
    const room = await openRoom();
    const connecting = room.connect();
    await settle();
    const [join] = server.socket.requests("join");
    // Both in one go: no task in between.
    server.socket.reply(join?.id as number, {
      session_id: "5e551017-0000-4000-8000-000000000000",
      participant_id: room.getState().localParticipantId,
      participants: server.participants,
      streams: server.streams,
      recording: false,
      speakers: server.speakers,
    });
    server.notice({ type: "participant_left", participant_id: alice, reason: "left" });
    await connecting;
    expect(room.getState().participants.has(alice)).toBe(false);
    expect(room.getState().streams.size).toBe(0);
  });

  it("says from the start, and whenever it changes, whether the session is recorded", async () => {
    server.recording = true;
    const room = await openRoom();
    const heard: [boolean, boolean][] = [];
    room.on("recording_changed", (recording, state) => heard.push([recording, state.recording]));
    await room.connect();
    expect(room.getState().recording).toBe(true);
    server.notice({ type: "recording_changed", recording: false });
    await settle();
    server.notice({ type: "recording_changed", recording: true });
    await settle();
    expect(heard).toEqual([
      [false, false],
      [true, true],
    ]);
    await room.disconnect();
    expect(room.getState().recording).toBe(false);
  });

  it.each([
    ["no JSON", "nonsense"],
    ["no object", "7"],
    ["no type", "{}"],
    ["binary", new ArrayBuffer(3)],
    ["a notice without its fields", '{"type":"participant_joined","seq":1}'],
    ["a gap in the numbers", '{"type":"stream_unpublished","stream_id":"x","seq":9}'],
    ["a refusal of nothing", '{"type":"error","re":0,"error":{"code":"invalid_frame","message":"m"}}'],
  ])("%s becomes an error event", async (_, frame) => {
    const room = await connectedRoom();
    server.holds.add("offer");
    const errors: string[] = [];
    room.on("error", (error, state) => errors.push(`${error.code} ${state.status}`));
    const isFirst = typeof frame === "string" && frame.includes('"seq":1');
    if (isFirst) server.socket.deliverText('{"seq":1,"type":"nothing_known"}');
    errors.length = 0;
    server.socket.deliverText(typeof frame === "string" ? frame.replace('"seq":1', '"seq":2') : frame);
    expect(errors).toEqual(["invalid_frame connected"]);
    expect(room.getState().status).toBe("connected");
  });

  it("a listener that throws stops nobody", async () => {
    const room = await connectedRoom();
    const told: string[] = [];
    room.on("participant_joined", () => {
      throw new Error("application");
    });
    room.on("participant_joined", (id) => told.push(id));
    server.notice({ type: "participant_joined", participant: participant(alice) });
    expect(told).toEqual([alice]);
  });

  it("changes made by listeners wait for their turn", async () => {
    const room = await connectedRoom();
    const told: string[] = [];
    room.on("participant_joined", () => void room.disconnect());
    room.on("participant_joined", (_, state) => told.push(`joined ${state.status}`));
    room.on("disconnected", () => told.push("disconnected"));
    room.on("state_changed", (state) => told.push(state.status));
    server.notice({ type: "participant_joined", participant: participant(alice) });
    expect(told).toEqual(["connected", "joined connected", "disconnected", "disconnected"]);
  });

  it("a listener that another one took away is not called any more", async () => {
    const room = await openRoom();
    const told: string[] = [];
    room.on("connected", () => {
      told.push("first");
      stop();
    });
    const stop = room.on("connected", () => told.push("second"));
    room.on("connected", () => told.push("third"));
    await room.connect();
    expect(told).toEqual(["first", "third"]);
  });

  it("unsubscribing from an event works, also for one function listening twice", async () => {
    const room = await connectedRoom();
    let count = 0;
    const listener = () => void count++;
    const off = room.on("state_changed", listener);
    room.on("state_changed", listener);
    off();
    off();
    server.notice({ type: "participant_joined", participant: participant(alice) });
    expect(count).toBe(1);
  });
});

describe("the media connection", () => {
  it("restarts ICE once, then gives up", async () => {
    const room = await connectedRoom();
    const told: string[] = [];
    room.on("error", (error) => told.push(error.code));
    room.on("disconnected", (reason) => told.push(reason));
    const offers = server.socket.requests("offer").length;
    server.peer.become("failed");
    await settle();
    expect(server.peer.restarts).toBe(1);
    expect(server.socket.requests("offer").length).toBe(offers + 1);
    server.peer.become("connected");
    server.peer.become("failed");
    await settle();
    expect(server.peer.restarts).toBe(2);
    expect(told).toEqual([]);
    server.peer.become("failed");
    expect(told).toEqual(["media_failed", "network_error"]);
  });

  it("ends the room when the browser refuses an answer", async () => {
    const room = await connectedRoom();
    const reasons: string[] = [];
    room.on("disconnected", (reason) => reasons.push(reason));
    server.peer.failAnswers = true;
    await expectCode(room.addStream("self"), "media_failed");
    expect(reasons).toEqual(["network_error"]);
  });
});

it("several rooms live in one page", async () => {
  const first = await connectedRoom();
  const second = await connectedRoom();
  await first.disconnect();
  expect(second.getState().status).toBe("connected");
  expect(FakePeerConnection.all.map((peer) => peer.connectionState)).toEqual(["closed", "new"]);
  expect(first.getState().localParticipantId).not.toBe(second.getState().localParticipantId);
});

it("errors are errors", () => {
  const error = new RoomError("timed_out", "m", { cause: 1 });
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.cause]).toEqual(["RoomError", "timed_out", "m", 1]);
});
