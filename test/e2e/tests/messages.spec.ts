import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("a message to one reaches that one, a message to all reaches all", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const all = [await arrive(ada), await arrive(bo), await arrive(cy)] as const;
  for (const one of all) await one.join(server, room.id);
  const [sender, friend, stranger] = all;

  const secret = 'Ĝis la revido 🐝\n\u0000 "quoted"';
  expect(await sender.ask((rig, [text, to]) => rig.send(text, [to]), [secret, friend.id] as const)).toEqual(
    [],
  );
  // Messages of one sender arrive in their order: whoever has this one has had the one before, if ever.
  expect(await sender.ask((rig) => rig.send("to all"))).toEqual([]);

  const toAll = [sender.id, { type: "text", payload: "to all" }, []];
  const toFriend = [sender.id, { type: "text", payload: secret }, [friend.id]];
  const expected = [[toAll], [toFriend, toAll], [toAll]];
  for (const [at, one] of all.entries()) {
    const received = async () =>
      (await one.told()).filter(({ event }) => event === "message_received").map(({ args }) => args);
    await expect.poll(received).toEqual(expected[at]);
  }
  expect(JSON.stringify(stranger.frames), "nothing of it on the stranger's socket").not.toContain("revido");

  const nobody = crypto.randomUUID();
  const missed = await sender.ask((rig, to) => rig.send("anybody?", [to]), nobody);
  expect(missed).toEqual([nobody]);
});

test("a message may have 256 KiB and no more", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, receiver] = [await arrive(ada), await arrive(bo)];
  await sender.join(server, room.id);
  await receiver.join(server, room.id);
  const largest = 256 * 1024 - JSON.stringify({ type: "text", payload: "" }).length;
  const send = (length: number) =>
    sender.ask((rig, [length, to]) => rig.send("x".repeat(length), [to]), [length, receiver.id] as const);
  await expect(send(largest + 1)).rejects.toMatchObject({ code: "message_too_large" });
  expect(await send(largest)).toEqual([]);
  const received = await receiver.tells("message_received", sender.id);
  expect((received.args[1] as { payload: string }).payload).toHaveLength(largest);
});
