import type { Participant } from "../harness/participant.js";
import { ada, bo, cy } from "../harness/people.js";
import { RestError } from "../harness/rest.js";
import { expect, test } from "../harness/test.js";

test.use({ serverOptions: { flags: ["--linger", "1s"] } });

test("REST tells who is in a room, and when it was over", async ({ server, arrive }) => {
  const room = await server.rest.createRoom({ unique_name: "récords" });
  expect(room.active_session_id).toBeUndefined();
  const contexts = ['{"id": 7,  "username":"Ada \\u0000"}\r\n', "  Bö 🐝‮ \t"];
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await first.enter(server, room.id, { context: contexts[0] });
  await second.enter(server, room.id, { context: contexts[1] });

  const sessionId = (await server.rest.room(room.id)).active_session_id as string;
  const session = await server.rest.session(sessionId);
  expect(session).toMatchObject({ room_id: room.id, active: true, ended_at: null, ended_reason: null });
  const everyone = { [first.id]: contexts[0], [second.id]: contexts[1] };
  const listed = await server.rest.participantsOf(sessionId);
  for (const records of [session.participants ?? [], listed]) {
    expect(Object.fromEntries(records.map(({ id, context }) => [id, context]))).toEqual(everyone);
    for (const record of records) {
      expect(record).toMatchObject({ session_id: sessionId, left_at: null, left_reason: null });
    }
  }
  for (const one of [first, second]) {
    await expect.poll(async () => (await one.state()).contexts).toEqual(everyone);
  }

  await first.ask((rig) => rig.room.disconnect());
  await first.tells("disconnected", "user_initiated");
  await second.ask((rig) => rig.room.disconnect());
  await expect.poll(async () => (await server.rest.session(sessionId)).active).toBe(false);
  const over = await server.rest.session(sessionId);
  expect(over.ended_reason).toBe("empty");
  const last = Date.parse((await server.rest.participant(second.id)).left_at ?? "");
  const lingered = Date.parse(over.ended_at ?? "") - last;
  expect(lingered).toBeGreaterThanOrEqual(1_000);
  expect(lingered).toBeLessThan(2_000);
  for (const one of [first, second]) {
    expect(await server.rest.participant(one.id)).toMatchObject({ left_reason: "left" });
  }
  expect((await server.rest.room(room.id)).active_session_id).toBeUndefined();
});

test("deleting a room puts everyone out", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await first.enter(server, room.id);
  await second.enter(server, room.id);
  const sessionId = (await server.rest.room(room.id)).active_session_id as string;
  const { token: unused } = await server.rest.tokens(room.id);

  await server.rest.deleteRoom(room.id);
  for (const one of [first, second]) {
    await one.tells("disconnected", "room_expired");
    await expect.poll(() => one.ask((rig) => rig.closes)).toEqual([4002]);
    // Nothing is left of the call, in the state or in the browser.
    expect(await one.state()).toMatchObject({ status: "disconnected", streams: {}, subscriptions: [] });
    expect(await one.ask((rig) => rig.lines())).toEqual([]);
    expect(await server.rest.participant(one.id)).toMatchObject({ left_reason: "room_deleted" });
  }
  expect(await server.rest.session(sessionId)).toMatchObject({ active: false, ended_reason: "room_deleted" });
  const view = server.rest.room(room.id);
  await expect(view).rejects.toBeInstanceOf(RestError);
  await expect(view).rejects.toMatchObject({ status: 404, codes: ["10005"] });

  const late = await arrive(cy);
  await expect(late.join(server, room.id, { clientToken: unused })).rejects.toMatchObject({
    code: "room_not_found",
  });
});

test("a full room refuses, and nobody inside notices", async ({ server, arrive }) => {
  const room = await server.rest.createRoom({ max_participants: 2 });
  const [first, second, third] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  await first.enter(server, room.id);
  await second.enter(server, room.id);
  await Promise.all([first.subscribe(second), second.subscribe(first)]);
  await Promise.all([first.sees(second), second.sees(first)]);
  // Voices come and go meanwhile.
  const told = async (of: Participant) =>
    (await of.told()).filter(({ event }) => !/^audio_|^dominant_/.test(event));
  const before = await Promise.all([first, second].map(told));

  await third.initialize(server, room.id);
  await expect(third.connect()).rejects.toMatchObject({ code: "room_full" });
  await third.tells("disconnected", "forbidden");
  await Promise.all([first.sees(second), second.sees(first)]);
  expect(await Promise.all([first, second].map(told))).toEqual(before);
  const { active_session_id: sessionId } = await server.rest.room(room.id);
  expect(await server.rest.participantsOf(sessionId as string)).toHaveLength(2);

  // A seat that is left is free again.
  await second.ask((rig) => rig.room.disconnect());
  await third.join(server, room.id);
  await third.subscribe(first);
  await third.sees(first);
});
