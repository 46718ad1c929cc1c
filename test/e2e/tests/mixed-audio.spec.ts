import type { Participant } from "../harness/participant.js";
import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

/** What may lie between two looks at the same tone, in dB. Twice the same tone would be 6 dB louder. */
const tolerance = 2;

const level = (listener: Participant, speaker: Participant) =>
  listener.ask((rig, pitch) => rig.mixedLevel(pitch), speaker.person.pitch) as Promise<number>;

/**
 * How loud a tone is. Where the fake microphone's file begins anew, once a second, a reading is too low, never too high: so the
 * highest of some that span more than a second.
 */
async function steadyLevel(listener: Participant, speaker: Participant): Promise<number> {
  const readings: number[] = [];
  const another = async () => readings.push(await level(listener, speaker));
  await expect.poll(another, { intervals: [150] }).toBe(12);
  return Math.max(...readings);
}

test("everybody is in the mix once, subscribed or not", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [early, late, listener] = [await arrive(ada), await arrive(cy), await arrive(bo)];
  await early.enter(server, room.id);
  await listener.join(server, room.id);
  await listener.hearsInMix(early);
  await late.enter(server, room.id);
  await listener.hearsInMix(late);
  const state = await listener.state();
  expect(state.subscriptions).toEqual([]);
  expect(state.streams[`${early.id}/self`]).toMatchObject({ configured: false });
  const alone = await steadyLevel(listener, early);
  const lines = await listener.ask((rig) => rig.lines());

  await listener.subscribe(early);
  await listener.hears(early);
  await listener.sees(early);
  await expect.poll(async () => Math.abs((await level(listener, early)) - alone)).toBeLessThan(tolerance);
  expect(await listener.ask((rig) => rig.lines())).toEqual(lines);

  // The picture only: silent by itself, and as loud in the mix as before.
  await listener.subscribe(early, "self", { audio: false });
  await listener.hearsNothingOf(early);
  await listener.sees(early);
  await expect.poll(async () => Math.abs((await level(listener, early)) - alone)).toBeLessThan(tolerance);

  const moves = listener.notices("receive").length;
  await listener.ask((rig, id) => rig.room.removeSubscription(id, "self"), early.id);
  await listener.tells("subscription_ended", early.id, "self");
  await expect.poll(async () => Math.abs((await level(listener, early)) - alone)).toBeLessThan(tolerance);
  expect(listener.notices("receive")).toHaveLength(moves);

  await early.ask((rig) => rig.switch("audio", false));
  await expect.poll(() => level(listener, early), { intervals: [100] }).toBeLessThan(-80);
  await listener.hearsInMix(late);
  await early.ask((rig) => rig.switch("audio", true));
  await listener.hearsInMix(early);
});

test("there is no mix for those who do not want one", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  await speaker.enter(server, room.id);
  await listener.join(server, room.id, { mixedAudio: false });
  await listener.subscribe(speaker);
  await listener.hears(speaker);
  expect(await listener.ask((rig) => "mixedAudioTrack" in rig.room.getState())).toBe(false);
  const sent = listener.frames.filter(({ sent, content }) => sent && content.type === "subscribe");
  expect(sent).toHaveLength(1);
});
