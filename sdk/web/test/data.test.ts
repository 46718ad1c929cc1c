import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Room } from "../src/index.js";
import type { FakeDataChannel } from "./fakes/media.js";
import {
  alice,
  bob,
  connectedRoom,
  expectCode,
  FakeServer,
  installBrowser,
  participant,
  removeBrowser,
  settle,
} from "./fakes/server.js";

let server: FakeServer;
let room: Room;
beforeEach(async () => {
  installBrowser();
  server = new FakeServer();
  server.participants = [participant(alice), participant(bob)];
  room = await connectedRoom({ enableMessages: true });
});
afterEach(removeBrowser);

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("reliable data", () => {
  it("is sent with its topic to everybody or some, and says whom it did not reach", async () => {
    expect(await room.sendData(bytes(0, 1, 255))).toEqual([]);
    server.notDelivered = [bob];
    const buffer = bytes(7).buffer;
    expect(await room.sendData(buffer, { topic: "strokes", recipients: [alice, bob] })).toEqual([bob]);
    const sent = server.socket.requests("send_data");
    expect(sent.map(({ data, topic, recipients }) => ({ data, topic, recipients }))).toEqual([
      { data: "AAH/", topic: undefined, recipients: undefined },
      { data: "Bw==", topic: "strokes", recipients: [alice, bob] },
    ]);
  });

  it("arrives as it was", async () => {
    const told: unknown[][] = [];
    room.on("data_received", (from, message, state) => told.push([from, message, state.status]));
    const sent_at = "2026-01-02T03:04:05.000000Z";
    server.notice({ type: "data", from: alice, topic: "t", data: "AAH/", recipients: [bob], sent_at });
    const message = { data: bytes(0, 1, 255), topic: "t", reliable: true, isPrivate: true };
    expect(told).toEqual([[alice, message, "connected"]]);
  });

  it("may have 256 KiB", async () => {
    const largest = new Uint8Array(262_144).map((_, at) => at);
    await room.sendData(largest);
    const [request] = server.socket.requests("send_data");
    expect(atob(request?.data as string)).toHaveLength(largest.length);
    await expectCode(room.sendData(new Uint8Array(262_145)), "message_too_large");
  });

  it("counts as buffered until the server has it", async () => {
    server.holds.add("send_data");
    const sending = room.sendData(bytes(1, 2, 3));
    await settle();
    expect(room.bufferedAmount).toBe(3);
    const [request] = server.socket.requests("send_data");
    server.socket.refuse(request?.id as number, { code: "rate_limited", message: "slower" });
    await expectCode(sending, "rate_limited");
    expect(room.bufferedAmount).toBe(0);
  });

  it("is counted in bytes along with messages", async () => {
    server.holds.add("send_message");
    const sending = room.sendMessage({ type: "text", payload: "é" });
    sending.catch(() => {});
    await settle();
    expect(room.bufferedAmount).toBe(new TextEncoder().encode('{"type":"text","payload":"é"}').length);
    await room.disconnect();
    await expectCode(sending, "invalid_state");
    expect(room.bufferedAmount).toBe(0);
  });

  it("is refused when it makes no sense", async () => {
    await expectCode(room.sendData("text" as never), "invalid_argument");
    await expectCode(room.sendData(bytes(), { topic: "é".repeat(33) }), "invalid_argument");
    await expectCode(room.sendData(bytes(), { recipients: "all" as never }), "invalid_argument");
    const silent = await connectedRoom();
    await expectCode(silent.sendData(bytes(1)), "messages_disabled");
    expect(server.peer.channels).toEqual([]);
  });
});

describe("lossy data", () => {
  const channel = () => server.peer.channels[0] as FakeDataChannel;
  const id = (of: string) =>
    (of.replaceAll("-", "").match(/../g) as string[]).map((pair) => Number.parseInt(pair, 16));

  it("goes over a channel that does not repeat, with topic and recipients", async () => {
    expect(channel()).toMatchObject({ label: "lossy", init: { ordered: false, maxRetransmits: 0 } });
    channel().readyState = "open";
    await room.sendData(bytes(9, 8), { reliable: false });
    await room.sendData(bytes(7), { reliable: false, topic: "ab", recipients: [alice] });
    expect(channel().sent).toEqual([bytes(1, 0, 0, 9, 8), bytes(1, 2, 97, 98, 1, ...id(alice), 7)]);
    expect(server.socket.requests("send_data")).toEqual([]);
  });

  it("is dropped while there is no connection, or too much waits", async () => {
    await room.sendData(bytes(1), { reliable: false });
    channel().readyState = "open";
    channel().bufferedAmount = 40_000;
    await room.sendData(bytes(2), { reliable: false });
    channel().bufferedAmount = 0;
    await room.sendData(bytes(3), { reliable: false });
    expect(channel().sent).toEqual([bytes(1, 0, 0, 3)]);
  });

  it("arrives with its sender, and what makes no sense does not", () => {
    const told: unknown[][] = [];
    room.on("data_received", (from, message) => told.push([from, message]));
    const arrives = (...values: number[]) => channel().onmessage?.({ data: bytes(...values).buffer });
    arrives(1, 2, 97, 98, ...id(alice), 0, 5, 6);
    arrives(1, 0, ...id(bob), 1);
    for (const broken of [[], [1], [2, 0, ...id(alice), 0], [1, 90, ...id(alice), 0]]) arrives(...broken);
    channel().onmessage?.({ data: "text" });
    expect(told).toEqual([
      [alice, { data: bytes(5, 6), topic: "ab", reliable: false, isPrivate: false }],
      [bob, { data: bytes(), topic: "", reliable: false, isPrivate: true }],
    ]);
  });

  it("is small", async () => {
    const lossy = { reliable: false };
    await room.sendData(new Uint8Array(1_200), lossy);
    await expectCode(room.sendData(new Uint8Array(1_201), lossy), "message_too_large");
    await expectCode(
      room.sendData(bytes(), { ...lossy, recipients: Array(17).fill(alice) }),
      "invalid_argument",
    );
    await expectCode(room.sendData(bytes(), { ...lossy, recipients: ["bob"] }), "invalid_argument");
  });

  it("has a connection also where nothing may be received", async () => {
    server.hello = { grants: { publish: false, subscribe: false, send_messages: true } };
    await connectedRoom({ enableMessages: true });
    await settle();
    expect(server.socket.requests("offer")).toHaveLength(1);
  });
});
