import { expect, it } from "vitest";
import type { Message } from "../src/index.js";
import {
  alice,
  bob,
  connectedRoom,
  expectCode,
  openRoom,
  participant,
  server,
  withServer,
} from "./fakes/server.js";

withServer({ participants: [participant(alice), participant(bob, { receives_messages: false })] });

const text = (payload: string): Message => ({ type: "text", payload });

it("sends to everybody, or to some, and says whom it did not reach", async () => {
  const room = await connectedRoom({ enableMessages: true });
  expect(await room.sendMessage({ type: "text", payload: "hi", meta: { n: 1 } })).toEqual([]);
  expect(await room.sendMessage(text("all"), [])).toEqual([]);
  server.notDelivered = [bob];
  expect(await room.sendMessage(text("you"), [alice, bob])).toEqual([bob]);
  const sent = server.socket.requests("send_message");
  expect(sent.map(({ message, recipients }) => ({ message, recipients }))).toEqual([
    { message: { type: "text", payload: "hi", meta: { n: 1 } }, recipients: undefined },
    { message: text("all"), recipients: undefined },
    { message: text("you"), recipients: [alice, bob] },
  ]);
});

it("tells who enabled messages", async () => {
  const room = await connectedRoom({ enableMessages: true });
  const { participants } = room.getState();
  expect(participants.get(alice)?.canReceiveMessages).toBe(true);
  expect(participants.get(bob)?.canReceiveMessages).toBe(false);
  expect(room.getLocalParticipant().canReceiveMessages).toBe(true);
  const truthy = await connectedRoom({ enableMessages: "yes" as never });
  expect(truthy.getLocalParticipant().canReceiveMessages).toBe(false);
});

it("emits what arrives, with the state last", async () => {
  const room = await connectedRoom({ enableMessages: true });
  const told: unknown[][] = [];
  room.on("message_received", (...args) => told.push(args));
  server.notice({
    type: "message",
    from: alice,
    message: text("hi"),
    recipients: [],
    sent_at: "2026-01-02T03:04:05.000000Z",
  });
  server.notice({
    type: "message",
    from: alice,
    message: text("psst"),
    recipients: [bob],
    sent_at: "2026-01-02T03:04:05.000000Z",
  });
  expect(told).toEqual([
    [alice, text("hi"), [], room.getState()],
    [alice, text("psst"), [bob], room.getState()],
  ]);
});

it("rejects what cannot be sent", async () => {
  const mute = await connectedRoom();
  await expectCode(mute.sendMessage(text("x")), "messages_disabled");
  const early = await openRoom({ enableMessages: true });
  await expectCode(early.sendMessage(text("x")), "invalid_state");
  const room = await connectedRoom({ enableMessages: true });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const wrong of [
    undefined,
    { type: "text" },
    { payload: "x" },
    { type: "", payload: "x" },
    { type: "text", payload: 7 },
    { type: "text", payload: "x", meta: [] },
    { type: "text", payload: "x", meta: circular },
  ]) {
    await expectCode(room.sendMessage(wrong as never), "message_invalid");
  }
  await expectCode(room.sendMessage(text("x"), alice as never), "invalid_argument");
  await expectCode(room.sendMessage(text("é".repeat(131_072))), "message_too_large");
  expect(server.socket.requests("send_message")).toEqual([]);
  server.refuses.set("send_message", { code: "too_large", message: "no" });
  await expectCode(room.sendMessage(text("x")), "message_too_large");
});
