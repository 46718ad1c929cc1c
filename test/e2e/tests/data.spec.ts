import type { Participant } from "../harness/participant.js";
import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

const received = (by: Participant) => by.ask((rig) => rig.dataReceived);

test("data reaches the others, whole and in order, or at once", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, friend, stranger] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  for (const one of [sender, friend, stranger]) await one.join(server, room.id);
  const reliable = { from: sender.id, reliable: true };

  expect(await sender.ask((rig) => rig.sendData(262_144, { topic: "large" }))).toEqual([]);
  expect(await sender.ask((rig, to) => rig.sendData(3, { recipients: [to] }), friend.id)).toEqual([]);
  const large = { ...reliable, topic: "large", isPrivate: false, length: 262_144, ends: [1, 0] };
  const small = { ...reliable, topic: "", isPrivate: true, length: 3, ends: [1, 3] };
  await expect.poll(() => received(friend)).toEqual([large, small]);
  await expect.poll(() => received(stranger)).toEqual([large]);
  expect(await received(sender)).toEqual([]);

  // Nobody publishes anything: the connection is there for data. What is lossy may be lost, so it is sent until it came.
  const lossy = { from: sender.id, reliable: false, topic: "cursor", length: 1_200, ends: [1, 1_200 % 256] };
  await expect(async () => {
    await sender.ask((rig) => rig.sendData(1_200, { reliable: false, topic: "cursor" }));
    for (const one of [friend, stranger])
      expect(await received(one)).toContainEqual({ ...lossy, isPrivate: false });
  }).toPass({ intervals: [100] });
  await expect(async () => {
    await sender.ask(
      (rig, to) => rig.sendData(1_200, { reliable: false, topic: "cursor", recipients: [to] }),
      friend.id,
    );
    expect(await received(friend)).toContainEqual({ ...lossy, isPrivate: true });
  }).toPass({ intervals: [100] });
  expect(await received(stranger)).not.toContainEqual({ ...lossy, isPrivate: true });
  await expect(sender.ask((rig) => rig.sendData(1_201, { reliable: false }))).rejects.toMatchObject({
    code: "message_too_large",
  });
});

test("who sends too much is told, and may go on", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, receiver] = [await arrive(ada), await arrive(bo)];
  await sender.join(server, room.id);
  await receiver.join(server, room.id);
  // All at once: what is allowed grows with time.
  const refusals = await sender.ask(async (rig) => {
    const sends = Array.from({ length: 16 }, () => rig.sendData(262_144, {}));
    const outcomes = await Promise.allSettled(sends);
    return outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason.code as string] : []));
  });
  expect(refusals.length).toBeGreaterThan(0);
  expect(new Set(refusals)).toEqual(new Set(["rate_limited"]));
  await expect(async () => {
    expect(await sender.ask((rig) => rig.sendData(5, { topic: "after" }))).toEqual([]);
  }).toPass();
  await expect.poll(async () => (await received(receiver)).at(-1)?.topic).toBe("after");
});
