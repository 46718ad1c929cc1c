import type { Participant } from "../harness/participant.js";
import { ada, bo, eve } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

/** When the listener hears the speaker begin and fall silent, and when it is told so. */
async function edges(listener: Participant, speaker: Participant) {
  const heard = await listener.ask(async (rig, id) => {
    const found: Partial<Record<"began" | "ended", number>> = {};
    const audible = () => (rig.tone(id, "self")?.level ?? -200) > -60;
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await until(() => !audible());
    await until(audible);
    found.began = Date.now();
    await until(() => !audible());
    found.ended = Date.now();
    return found;
  }, speaker.id);
  const after = (event: "audio_activity" | "audio_activity_ended", moment: number) =>
    expect
      .poll(async () => (await listener.told()).some((one) => one.event === event && one.at > moment - 1_000))
      .toBe(true);
  await after("audio_activity", heard.began as number);
  await after("audio_activity_ended", heard.ended as number);
  const told = await listener.told();
  const first = (event: string, moment: number) =>
    (told.find((one) => one.event === event && one.at > moment - 1_000)?.at ?? Number.NaN) - moment;
  return {
    began: first("audio_activity", heard.began as number),
    ended: first("audio_activity_ended", heard.ended as number),
  };
}

test("who speaks is told soon, and that it is over", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(eve), await arrive(bo)];
  await speaker.enter(server, room.id);
  await listener.join(server, room.id);
  await listener.subscribe(speaker, "self", { video: false });
  const { began, ended } = await edges(listener, speaker);
  // The ear itself is late by up to a third of a second, and what it hears was buffered.
  expect(began).toBeGreaterThan(-500);
  expect(began).toBeLessThan(700);
  expect(ended).toBeGreaterThan(300);
  expect(ended).toBeLessThan(1_700);
  await speaker.tells("audio_activity", speaker.id, "self");
  // Known from the start, or told, as it fell.
  const dominant = (of: Participant) => of.ask((rig) => rig.room.getState().dominantSpeakerId);
  expect(await dominant(listener)).toBe(speaker.id);

  const late = await arrive(ada);
  await late.join(server, room.id);
  expect(await dominant(late)).toBe(speaker.id);

  await speaker.ask((rig) => rig.switch("audio", false));
  await expect.poll(async () => (await listener.stream(speaker))?.audio).toBe(false);
  const pulses = (await listener.told()).filter(({ event }) => event === "audio_activity").length;
  await expect.poll(async () => listener.notices("speakers").at(-1)?.streams).toEqual([]);
  await listener.isSentNoAudioOf(speaker);
  expect((await listener.told()).filter(({ event }) => event === "audio_activity")).toHaveLength(pulses);
});

test("silence is hardly sent, unless it is to be", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(eve), await arrive(bo)];
  await speaker.join(server, room.id);
  await listener.join(server, room.id);
  /** The fewest packets in a second, of ten. */
  const fewest = (key: string) =>
    listener.ask(
      async (rig, [id, key]) => {
        const counts: number[] = [];
        for (let second = 0; second < 10; second++) {
          const before = await rig.audioPackets(id, key);
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          counts.push((await rig.audioPackets(id, key)) - before);
        }
        return Math.min(...counts);
      },
      [speaker.id, key] as const,
    );
  await speaker.publish();
  await listener.subscribe(speaker, "self", { video: false });
  await listener.hears(speaker);
  expect(await fewest("self")).toBeLessThan(15);
  await speaker.ask((rig) => rig.room.removeStream("self"));
  await speaker.ask((rig, size) => rig.publishCamera(size, {}, { dtx: false }), {
    width: eve.width,
    height: eve.height,
  });
  await listener.subscribe(speaker, "self", { video: false });
  await listener.hears(speaker);
  expect(await fewest("self")).toBeGreaterThan(40);
});

test("sound is sent with copies, in the bits asked for, and heard by those who take none", async ({
  server,
  arrive,
}) => {
  const room = await server.rest.createRoom();
  const [speaker, other, listener] = [await arrive(ada), await arrive(bo), await arrive(eve)];
  await speaker.enter(server, room.id);
  await other.join(server, room.id);
  await other.ask((rig, size) => rig.publishCamera(size, {}, { red: false }), {
    width: bo.width,
    height: bo.height,
  });
  // A browser without RED.
  await listener.page.evaluate(() => {
    const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
    RTCRtpReceiver.getCapabilities = (kind) => {
      const found = all(kind);
      return found && { ...found, codecs: found.codecs.filter(({ mimeType }) => mimeType !== "audio/red") };
    };
  });
  await listener.join(server, room.id);
  for (const one of [other, listener]) {
    await one.subscribe(speaker);
    await one.hears(speaker);
  }
  await listener.subscribe(other);
  await listener.hears(other);
  const [doubled, single] = await Promise.all([packetSize(speaker), packetSize(other)]);
  expect(doubled / single).toBeGreaterThan(1.6);
  expect(doubled / single).toBeLessThan(2.6);

  await other.ask((rig) => rig.limitSound(12_000));
  await expect.poll(() => packetSize(other)).toBeLessThan(single * 0.7);
  await listener.hears(other);
});

/** How many bytes a packet of somebody's sound has, over two seconds. */
function packetSize(of: Participant): Promise<number> {
  return of.ask(async (rig) => {
    const before = await rig.sentSound("self");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const after = await rig.sentSound("self");
    return (after.bytes - before.bytes) / (after.packets - before.packets);
  });
}

test("two channels stay two", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  await speaker.join(server, room.id);
  await listener.join(server, room.id);
  await speaker.ask((rig) => rig.publishStereo(500, 900, { stereo: true, dtx: false }));
  await listener.subscribe(speaker, "self", { video: false });
  const louder = async (pitch: number) => {
    const [left = 0, right = 0] = await listener.ask((rig, [id, pitch]) => rig.sides(id, "self", pitch), [
      speaker.id,
      pitch,
    ] as const);
    return left - right;
  };
  await expect.poll(() => louder(500), { intervals: [100] }).toBeGreaterThan(20);
  await expect.poll(() => louder(900), { intervals: [100] }).toBeLessThan(-20);
});

test.describe("in a large room", () => {
  test.use({ serverOptions: { flags: ["--large-room=1", "--loudest-voices=1"] } });

  test("the loudest are heard, and the next as soon as there is room", async ({ server, arrive }) => {
    const room = await server.rest.createRoom();
    const [first, second, listener] = [await arrive(ada), await arrive(bo), await arrive(eve)];
    await first.enter(server, room.id);
    await listener.join(server, room.id);
    await listener.subscribe(first, "self", { video: false });
    await listener.hears(first);
    await second.enter(server, room.id);
    await listener.subscribe(second, "self", { video: false });
    await listener.isSentNoAudioOf(second);
    await listener.hears(first);
    await first.ask((rig) => rig.switch("audio", false));
    await listener.hears(second);
  });
});
