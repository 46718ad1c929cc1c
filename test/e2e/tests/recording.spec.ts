import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beginnings, level, probe, type Shot, shots, sizes, sound } from "../harness/media.js";
import { expectColour, type Participant } from "../harness/participant.js";
import { ada, bo, dee, desk, type Person } from "../harness/people.js";
import type { MediaRecord, RecordingRecord } from "../harness/rest.js";
import type { Rotunda } from "../harness/rotunda.js";
import { expect, test } from "../harness/test.js";

test.use({ serverOptions: { flags: ["--linger", "0s"] } });

async function sessionOf(server: Rotunda, roomId: string): Promise<string> {
  return (await server.rest.room(roomId)).active_session_id as string;
}

/** Two people with camera and microphone in a room. */
async function pair(server: Rotunda, arrive: (person: Person) => Promise<Participant>, recorded: boolean) {
  const room = await server.rest.createRoom({ enable_recording: recorded });
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await first.enter(server, room.id);
  await second.enter(server, room.id);
  return { room, first, second, sessionId: await sessionOf(server, room.id) };
}

/** The recordings of a session, when all so many are completed. */
async function completed(server: Rotunda, sessionId: string, count: number): Promise<RecordingRecord[]> {
  let all: RecordingRecord[] = [];
  await expect
    .poll(
      async () => {
        all = await server.rest.recordings(sessionId);
        return all.map(({ status }) => status);
      },
      { timeout: 20_000 },
    )
    .toEqual(Array(count).fill("completed"));
  return all;
}

async function fetched(server: Rotunda, recording: MediaRecord): Promise<string> {
  const answer = await fetch(recording.download_url as string);
  expect(answer.status).toBe(200);
  const content = Buffer.from(await answer.arrayBuffer());
  expect(content.length / 1e6, "the size is told").toBeCloseTo(recording.size_mb, 2);
  const file = join(server.data, recording.id);
  await writeFile(file, content);
  return file;
}

function of(all: RecordingRecord[], participant: string, type: string): RecordingRecord {
  const found = all.filter((one) => one.participant_id === participant && one.type === type);
  expect(found, `${type} of ${participant}`).toHaveLength(1);
  return found[0] as RecordingRecord;
}

const seconds = (from: string, to: string | null) => (Date.parse(to ?? "") - Date.parse(from)) / 1000;

test("a room is recorded: each camera and microphone in a file, with what they showed and played", async ({
  server,
  arrive,
}) => {
  const { room, first, second, sessionId } = await pair(server, arrive, true);
  await first.subscribe(second);
  await first.sees(second);
  expect((await server.rest.recordings(sessionId)).map(({ status }) => status)).toContain("processing");

  await second.ask((rig) => rig.switch("audio", false));
  await first.page.waitForTimeout(2_000);
  await second.ask((rig) => rig.switch("audio", true));
  await second.ask((rig) => rig.camera(false));
  await first.page.waitForTimeout(2_000);
  await second.ask((rig) => rig.camera(true));
  await first.sees(second);
  await server.rest.endSession(sessionId);

  const all = await completed(server, sessionId, 4);
  for (const one of [first, second]) {
    for (const type of ["audio", "video"] as const) {
      const recording = of(all, one.id, type);
      expect(recording).toMatchObject({
        room_id: room.id,
        stream_key: "self",
        codec: type === "audio" ? "opus" : "vp8",
      });
      const probed = await probe(await fetched(server, recording));
      expect(probed.codec).toBe(recording.codec);
      expect(Math.floor(probed.duration)).toBe(recording.duration_secs);
      expect(seconds(recording.started_at, recording.ended_at) - probed.duration).toBeLessThan(1.5);
    }
    const picture = await shots(join(server.data, of(all, one.id, "video").id), 2);
    for (const shot of picture.slice(4)) {
      expectColour(shot(0.2, 0.1), one.person.left, 20);
      expectColour(shot(0.8, 0.1), one.person.right, 20);
    }
    const samples = await sound(join(server.data, of(all, one.id, "audio").id));
    const loud = Array.from(
      { length: Math.floor(samples.length / 4_800) },
      (_, n) => level(samples, one.person.pitch, n / 10, (n + 1) / 10) > -30,
    );
    const silence = loud.slice(5).filter((is) => !is).length / 10;
    expect(silence, `${one.person.name} was silent for so many seconds`).toBeGreaterThan(
      one === second ? 1.5 : -1,
    );
    expect(silence).toBeLessThan(one === second ? 3.5 : 0.3);
  }
  const camera = (await probe(join(server.data, of(all, second.id, "video").id))).times;
  const gaps = camera.map((at, n) => at - (camera[n - 1] ?? at));
  expect(Math.max(...gaps), "the camera was off").toBeGreaterThan(1.5);

  const [one] = all as [RecordingRecord];
  await server.rest.deleteRecording(one.id);
  expect((await fetch(one.download_url as string)).status, "after its deletion").toBe(410);
});

test("picture and sound of a recording are in step", async ({ server, arrive }) => {
  const room = await server.rest.createRoom({ enable_recording: true });
  const one = await arrive(ada);
  await one.join(server, room.id);
  await one.ask((rig) => rig.publishFlashes());
  await one.page.waitForTimeout(9_000);
  const sessionId = await sessionOf(server, room.id);
  await server.rest.endSession(sessionId);

  const all = await completed(server, sessionId, 2);
  const [picture, noise] = [of(all, one.id, "video"), of(all, one.id, "audio")];
  const perSecond = 100;
  const flashed = beginnings(
    (await shots(await fetched(server, picture), perSecond)).map((shot) => shot(0.5, 0.3)[1] > 128),
    perSecond,
  );
  const samples = await sound(await fetched(server, noise));
  const beeped = beginnings(
    Array.from(
      { length: Math.floor((samples.length / 48_000) * perSecond) },
      (_, n) => level(samples, 1_000, n / perSecond, (n + 1) / perSecond) > -20,
    ),
    perSecond,
  );
  // On one clock: what is recorded first is at 0 of its own file.
  const apart = seconds(noise.started_at, picture.started_at);
  const offsets = flashed.flatMap((at) => {
    const nearest = beeped.reduce(
      (a, b) => (Math.abs(at + apart - b) < Math.abs(at + apart - a) ? b : a),
      Infinity,
    );
    return Number.isFinite(nearest) ? [(at + apart - nearest) * 1000] : [];
  });
  test
    .info()
    .annotations.push({ type: "picture after sound, ms", description: offsets.map(Math.round).join(" ") });
  expect(offsets.length).toBeGreaterThan(4);
  offsets.sort((a, b) => a - b);
  expect(Math.abs(offsets[Math.floor(offsets.length / 2)] as number)).toBeLessThan(60);
});

test("a moderator starts and stops a recording, and everyone in the room is told", async ({
  server,
  arrive,
}) => {
  const { first, second, sessionId } = await pair(server, arrive, false);
  expect(await server.rest.recordings(sessionId)).toEqual([]);

  await server.rest.moderate(sessionId, "start_recording", [second.id]);
  for (const one of [first, second]) await one.tells("recording_changed", true);
  await expect.poll(async () => (await server.rest.recordings(sessionId)).length).toBe(2);
  await server.rest.moderate(sessionId, "stop_recording", "all");
  for (const one of [first, second]) await one.tells("recording_changed", false);
  const all = await completed(server, sessionId, 2);
  expect(all.map(({ participant_id }) => participant_id)).toEqual([second.id, second.id]);
  expect((await server.rest.session(sessionId)).active).toBe(true);
});

test("recordings are composed: everybody in a place of their own, and heard together", async ({
  server,
  arrive,
}) => {
  const { first, second, sessionId } = await pair(server, arrive, true);
  await first.subscribe(second);
  await first.sees(second);
  await first.page.waitForTimeout(3_000);
  await server.rest.endSession(sessionId);

  const asked = await server.rest.compose({ session_id: sessionId, resolution: "640x360" });
  await expect
    .poll(async () => (await server.rest.composition(asked.id)).status, { timeout: 60_000 })
    .toBe("completed");
  const made = await server.rest.composition(asked.id);
  expect(made.warnings).toEqual([]);
  const file = await fetched(server, made);
  const picture = await shots(file, 2);
  expect(picture.length / 2).toBeGreaterThan(3);
  // Both are there by the last second; each has a half, with bars above and below.
  const last = picture[picture.length - 3] as Shot;
  expectColour(last(0.1, 0.32), ada.left, 20);
  expectColour(last(0.4, 0.32), ada.right, 20);
  expectColour(last(0.6, 0.32), bo.left, 20);
  expectColour(last(0.9, 0.32), bo.right, 20);
  const samples = await sound(file);
  const end = samples.length / 48_000;
  for (const { name, pitch } of [ada, bo]) {
    expect(level(samples, pitch, end - 1.5, end - 0.5), `${name} is heard`).toBeGreaterThan(-30);
  }
});

test("who leaves and comes again is recorded anew, in H264 too", async ({ server, arrive }) => {
  const room = await server.rest.createRoom({ enable_recording: true });
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await second.join(server, room.id);
  const sessionId = await sessionOf(server, room.id);
  const stays: string[] = [];
  for (const stay of [1, 2]) {
    await first.join(server, room.id);
    await first.publish({ codec: "h264" });
    stays.push(first.id);
    await second.subscribe(first);
    await second.sees(first, "self", 30);
    await first.page.waitForTimeout(1_500);
    await first.ask((rig) => rig.room.disconnect());
    // What a stay leaves is complete although the session goes on.
    await completed(server, sessionId, 2 * stay);
  }

  const all = await completed(server, sessionId, 4);
  for (const id of stays) {
    for (const type of ["audio", "video"] as const) {
      const recording = of(all, id, type);
      expect(recording.codec).toBe(type === "audio" ? "opus" : "h264");
      const probed = await probe(await fetched(server, recording));
      expect(probed.codec).toBe(recording.codec);
      expect(probed.duration, `${type} of a stay`).toBeGreaterThan(1.2);
      expect(seconds(recording.started_at, recording.ended_at) - probed.duration).toBeLessThan(1.5);
    }
    const picture = await shots(join(server.data, of(all, id, "video").id), 4);
    expectColour((picture.at(-2) as Shot)(0.2, 0.1), ada.left, 30);
    expectColour((picture.at(-2) as Shot)(0.8, 0.1), ada.right, 30);
    const samples = await sound(join(server.data, of(all, id, "audio").id));
    const end = samples.length / 48_000;
    expect(level(samples, ada.pitch, end - 0.7, end - 0.2)).toBeGreaterThan(-30);
  }
  const [left, back] = stays.map((id) => of(all, id, "video")) as [RecordingRecord, RecordingRecord];
  expect(Date.parse(back.started_at)).toBeGreaterThan(Date.parse(left.ended_at as string));
});

test("of a simulcast camera the largest picture is recorded, and a shared screen by itself", async ({
  server,
  arrive,
}) => {
  const room = await server.rest.createRoom({ enable_recording: true });
  const [one, viewer] = [await arrive(dee), await arrive(bo)];
  await one.keepsSize();
  await viewer.join(server, room.id);
  await one.join(server, room.id);
  await one.publish({ enableSimulcast: true });
  await viewer.subscribe(one);
  await expect.poll(async () => (await viewer.picture(one))?.width ?? 0, { timeout: 20_000 }).toBe(dee.width);
  await one.ask((rig) => rig.share());
  await viewer.subscribe(one, "presentation");
  await viewer.seesColours(one, "presentation", desk, desk);
  await one.ask((rig) => rig.unshare());
  await viewer.sees(one);
  const sessionId = (await server.rest.room(room.id)).active_session_id as string;
  await server.rest.endSession(sessionId);

  const all = await completed(server, sessionId, 3);
  const shared = all.filter(({ stream_key }) => stream_key === "presentation");
  expect(shared.map(({ type }) => type)).toEqual(["video"]);
  const screen = shared[0] as RecordingRecord;
  expectColour((await shots(await fetched(server, screen), 30)).at(-1)?.(0.5, 0.1) ?? [0, 0, 0], desk, 20);

  const own = all.filter(({ stream_key }) => stream_key === "self");
  const camera = of(own, one.id, "video");
  expect(Date.parse(screen.ended_at as string)).toBeLessThan(Date.parse(camera.ended_at as string));
  const file = await fetched(server, camera);
  // A browser that is short of processor time lets the largest picture go again.
  expect(await sizes(file)).toContainEqual({ width: dee.width, height: dee.height });
  const last = (await shots(file, 4)).at(-1) as Shot;
  expectColour(last(0.2, 0.1), dee.left, 20);
  expectColour(last(0.8, 0.1), dee.right, 20);
});

for (const codec of ["vp9", "av1"] as const) {
  test(`of layers of ${codec} the largest picture is recorded`, async ({ server, arrive }) => {
    const room = await server.rest.createRoom({ enable_recording: true });
    const [one, viewer] = [await arrive(ada), await arrive(bo)];
    await one.keepsSize();
    await viewer.join(server, room.id);
    await one.join(server, room.id);
    await one.publish({ enableSimulcast: true, codec });
    // Whoever watches the small one changes nothing.
    await viewer.subscribe(one, "self", { quality: "low" });
    await viewer.sees(one, "self", 40);
    const sessionId = (await server.rest.room(room.id)).active_session_id as string;
    // A browser that is short of processor time sends smaller pictures than the camera films, but larger ones than are watched.
    const sent = async () => {
      const widths = (await one.ask((rig) => rig.sent())).map(({ frameWidth }) => frameWidth as number);
      return Math.max(...widths);
    };
    const watched = async () => (await viewer.picture(one))?.width ?? 0;
    await expect.poll(async () => (await sent()) / (await watched()), { timeout: 30_000 }).toBe(2);
    await one.page.waitForTimeout(1_500);
    const largest = await sent();
    await server.rest.endSession(sessionId);

    const camera = of(await completed(server, sessionId, 2), one.id, "video");
    expect(camera.codec).toBe(codec);
    const file = await fetched(server, camera);
    expect((await probe(file)).codec).toBe(codec);
    expect((await sizes(file)).map(({ width }) => width)).toContain(largest);
    const last = (await shots(file, 4)).at(-1) as Shot;
    expectColour(last(0.2, 0.1), ada.left, 40);
    expectColour(last(0.8, 0.1), ada.right, 40);
  });
}

test("a killed server finishes its recordings at the next start", async ({ server, arrive }) => {
  const room = await server.rest.createRoom({ enable_recording: true });
  const one = await arrive(ada);
  await one.enter(server, room.id);
  await one.page.waitForTimeout(4_000);
  const sessionId = await sessionOf(server, room.id);
  await server.kill();
  const killed = Date.now();
  await server.restart();

  const all = await completed(server, sessionId, 2);
  for (const type of ["audio", "video"]) {
    const recording = of(all, one.id, type);
    const probed = await probe(await fetched(server, recording));
    const missing = (killed - Date.parse(recording.started_at)) / 1000 - probed.duration;
    expect(missing, `${type} lacks its last ${missing} s`).toBeLessThan(1.2);
    expect(Math.floor(probed.duration)).toBe(recording.duration_secs);
  }
  expect((await shots(join(server.data, of(all, one.id, "video").id), 2)).length).toBeGreaterThan(4);
});
