import { Cable } from "../harness/cable.js";
import type { Participant } from "../harness/participant.js";
import { ada, bo } from "../harness/people.js";
import type { Rotunda } from "../harness/rotunda.js";
import { test as base, expect } from "../harness/test.js";

const test = base.extend<{ cable: Cable }>({
  cable: async ({ server }, use) => {
    const cable = await Cable.to(server.url);
    await use(cable);
    await cable.close();
  },
});

// Losses take their time to be noticed: 8 to 10 s each.
test.describe.configure({ timeout: 120_000 });

/** How long it may take until all is back, in milliseconds. Promised are 2 s; a machine that does much else has this. */
const back = 5_000;

/** Ada, over a cable, and Bo are in a call and see each other. */
async function callOver(
  cable: Cable,
  server: Rotunda,
  arrive: (person: typeof ada) => Promise<Participant>,
): Promise<{ mover: Participant; other: Participant }> {
  const room = await server.rest.createRoom();
  const [mover, other] = [await arrive(ada), await arrive(bo)];
  await mover.enter(server, room.id, { serverUrl: cable.url });
  await other.enter(server, room.id);
  await Promise.all([mover.subscribe(other), other.subscribe(mover)]);
  await Promise.all([mover.sees(other), other.sees(mover)]);
  return { mover, other };
}

function say(who: Participant, payload: string): Promise<string[]> {
  return who.ask((rig, payload) => rig.room.sendMessage({ type: "text", payload }), payload);
}

async function heard(who: Participant): Promise<string[]> {
  const told = await who.told();
  return told
    .filter(({ event }) => event === "message_received")
    .map(({ args }) => (args[1] as { payload: string }).payload);
}

/** The longest time without a new picture, in milliseconds, from now until `done`. */
async function longestFreeze(
  who: Participant,
  of: Participant,
  done: () => Promise<unknown>,
): Promise<number> {
  await who.ask((rig, id) => rig.watchFreezes(id, "self"), of.id);
  await done();
  return who.ask((rig) => rig.longestFreeze());
}

test("a cut socket is resumed, nobody else sees it, and nothing is lost or doubled", async ({
  server,
  arrive,
  cable,
}) => {
  const { mover, other } = await callOver(cable, server, arrive);
  const { self } = await mover.state();
  const freeze = await longestFreeze(mover, other, async () => {
    cable.cut();
    await Promise.all([say(mover, "from the mover"), say(other, "from the other")]);
    expect((await mover.tells("reconnected")).args).toEqual([{ resumed: true }]);
  });
  expect(freeze).toBeLessThan(back);
  const all = ["from the mover", "from the other"];
  await expect.poll(async () => (await heard(mover)).sort()).toEqual(all);
  expect((await heard(other)).sort()).toEqual(all);
  expect((await mover.state()).self).toBe(self);
  expect(other.notices("participant_left")).toEqual([]);
  expect(other.notices("connection_changed")).toEqual([]);
  expect(await server.rest.participant(self)).toMatchObject({ left_at: null });
  await Promise.all([mover.sees(other), other.sees(mover)]);
});

test("another network is taken at once", async ({ server, arrive, cable }) => {
  const { mover, other } = await callOver(cable, server, arrive);
  cable.hang();
  await mover.context.setOffline(true);
  const saying = say(mover, "said offline");
  cable.flow();
  const since = Date.now();
  await mover.context.setOffline(false);
  const { at, args } = await mover.tells("reconnected");
  expect(args).toEqual([{ resumed: true }]);
  expect(at - since).toBeLessThan(back);
  await saying;
  expect(await heard(other)).toEqual(["said offline"]);
  await Promise.all([mover.sees(other), other.sees(mover)]);
});

test("a silence of everything is over when it is over", async ({ server, arrive, cable }) => {
  const { mover, other } = await callOver(cable, server, arrive);
  server.pause();
  // Longer than either side takes for a lost connection.
  await Promise.all([mover.tells("reconnecting"), other.tells("reconnecting")]);
  await expect.poll(() => mover.ask((rig) => rig.closes.length)).toBeGreaterThan(0);
  const before = await mover.framesDecoded(other);
  const since = Date.now();
  server.resume();
  await expect.poll(() => mover.framesDecoded(other), { intervals: [50] }).toBeGreaterThan(before + 5);
  expect(Date.now() - since).toBeLessThan(back);
  for (const one of [mover, other]) {
    expect((await one.tells("reconnected")).args).toEqual([{ resumed: true }]);
    expect(one.notices("participant_left")).toEqual([]);
  }
  await Promise.all([mover.sees(other), other.sees(mover)]);
});

test("media that cannot be restarted moves to another connection, as the same streams", async ({
  server,
  arrive,
  cable,
}) => {
  const { mover, other } = await callOver(cable, server, arrive);
  const streams = Object.values((await mover.state()).streams).map(({ id }) => id);
  await mover.ask((rig) => rig.failMedia());
  await expect.poll(() => mover.ask((rig) => rig.connectionCount()), { intervals: [200] }).toBe(2);
  expect((await mover.tells("reconnected")).args).toEqual([{ resumed: true }]);
  await Promise.all([mover.sees(other), other.sees(mover), mover.hears(other), other.hears(mover)]);
  expect(Object.values((await mover.state()).streams).map(({ id }) => id)).toEqual(streams);
  for (const type of ["participant_left", "stream_unpublished"]) expect(other.notices(type)).toEqual([]);
  expect(await mover.ask((rig) => rig.lines())).toHaveLength(1);
});

test.describe("with a short grace", () => {
  test.use({ serverOptions: { flags: ["--resume-grace", "1s"] } });

  test("who comes back too late is somebody new, with everything published and subscribed again", async ({
    server,
    arrive,
    cable,
  }) => {
    const { mover, other } = await callOver(cable, server, arrive);
    const before = mover.id;
    cable.hang();
    await other.tells("participant_left", before);
    expect(await server.rest.participant(before)).toMatchObject({ left_reason: "connection_lost" });
    cable.flow();
    expect((await mover.tells("reconnected")).args).toEqual([{ resumed: false }]);
    await mover.learnsItsId();
    expect(mover.id).not.toBe(before);
    await other.tells("participant_joined", mover.id);
    await mover.sees(other); // of itself
    await other.subscribe(mover);
    await other.sees(mover);
    await other.hears(mover);
  });
});

for (const [how, end] of [
  ["stops", (server: Rotunda) => server.stop()],
  ["is killed", (server: Rotunda) => server.kill()],
] as const) {
  test(`everybody comes back by themselves when the server ${how} and starts again`, async ({
    server,
    arrive,
    cable,
  }) => {
    const { mover, other } = await callOver(cable, server, arrive);
    await end(server);
    await Promise.all([mover.tells("reconnecting"), other.tells("reconnecting")]);
    await server.restart();
    for (const one of [mover, other]) {
      expect((await one.tells("reconnected")).args).toEqual([{ resumed: false }]);
      await one.learnsItsId();
    }
    await Promise.all([mover.subscribe(other), other.subscribe(mover)]);
    await Promise.all([mover.sees(other), other.sees(mover), mover.hears(other)]);
    for (const one of [mover, other]) {
      expect(await one.told()).not.toContainEqual(expect.objectContaining({ event: "disconnected" }));
      expect(await one.ask((rig) => rig.lines())).toHaveLength(1);
    }
  });
}
