import type { Participant } from "../harness/participant.js";
import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("three people see and hear each other", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const all = [await arrive(ada), await arrive(bo), await arrive(cy)];
  for (const one of all) await one.enter(server, room.id);
  await everyPair(all, (one, other) => one.subscribe(other));
  await everyPair(all, (one, other) => one.sees(other));
  await everyPair(all, (one, other) => one.hears(other));
  await everyPair(all, (one, other) => one.hearsInMix(other));

  await everyPair(all, async (one, other) => {
    const cipher = await one.ask((rig, id) => rig.srtpCipher(id, "self"), other.id);
    expect(cipher).toMatch(/(^|_)AEAD_AES_128_GCM$/);
  });
  // One connection each: a pair of lines for what is sent, and a pair for each of the two others.
  for (const one of all) expect(await one.ask((rig) => rig.lines())).toEqual([7]);
});

test("each codec goes through", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await first.join(server, room.id);
  await first.publish({ codec: "h264" });
  await second.join(server, room.id);
  await second.publish({ codec: "vp8" });
  await Promise.all([first.subscribe(second), second.subscribe(first)]);
  // Chromium sends and takes H264 without a word about the colour matrix.
  await Promise.all([first.sees(second), second.sees(first, "self", 30)]);
  const codec = (one: Participant, other: Participant) =>
    one.ask((rig, id) => rig.videoCodec(id, "self"), other.id);
  expect(await codec(second, first)).toBe("video/H264");
  expect(await codec(first, second)).toBe("video/VP8");
});

/** Does something for everyone with regard to everyone else, all at once. */
async function everyPair(
  all: Participant[],
  work: (one: Participant, other: Participant) => Promise<void>,
): Promise<void> {
  const pairs = all.flatMap((one) =>
    all.filter((other) => other !== one).map((other) => [one, other] as const),
  );
  await Promise.all(pairs.map(([one, other]) => work(one, other)));
}
