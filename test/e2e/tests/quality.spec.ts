import { ada, bo } from "../harness/people.js";
import type { QualitySample, QualityStep, TrackQuality } from "../harness/rest.js";
import { expect, test } from "../harness/test.js";
import { until } from "../harness/until.js";

/** A step in the midst of a call: both ends measured all ten seconds of it, and everything flows. */
const isWhole = ({ by_client, by_server }: QualityStep) =>
  [by_client, by_server].every((end) => end && end.interval_secs > 9 && end.receive.length === 2);

const videoOf = (tracks: TrackQuality[]) => tracks.find(({ kind }) => kind === "video") as TrackQuality;

test("both ends' figures of a call can be read, and agree", async ({ server, arrive }) => {
  test.setTimeout(120_000);
  const room = await server.rest.createRoom();
  const [first, second] = [await arrive(ada), await arrive(bo)];
  await first.enter(server, room.id);
  await second.enter(server, room.id);
  await Promise.all([first.subscribe(second), second.subscribe(first)]);
  await Promise.all([first.sees(second), second.sees(first)]);

  // Grids are not in step, and a camera's bit rate is uneven at first: the third step is compared.
  const wholeStep = (id: string) =>
    until("three whole steps", 70_000, async () => (await server.rest.quality(id)).filter(isWhole)[2]);
  const [step, other] = await Promise.all([wholeStep(first.id), wholeStep(second.id)]);
  const [client, serverEnd] = [step.by_client as QualitySample, step.by_server as QualitySample];
  expect(step.client).toMatchObject({ name: "@rotunda/video" });
  expect(step.client.user_agent).toContain("Chrome");
  for (const end of [client, serverEnd]) expect(end).toMatchObject({ path: "udp" });
  expect(client.round_trip_ms ?? 0).toBeLessThan(100); // of a path as short as this browsers may say 0, which is left out

  for (const way of ["publish", "receive"] as const) {
    const [here, there] = [videoOf(client[way]), videoOf(serverEnd[way])];
    for (const field of ["stream_id", "publisher_id", "key", "width", "height"] as const) {
      expect(here[field], `${way} ${field}`).toEqual(there[field]);
    }
    expect(here.bitrate_bps).toBeGreaterThan(50_000);
    expect(here.bitrate_bps / there.bitrate_bps, `${way} bit rate`).toBeCloseTo(1, 0);
    expect(here.loss).toBeLessThan(0.05);
    expect(there.loss).toBeLessThan(0.05);
    expect(here.frames_per_second).toBeGreaterThan(5);
  }
  // What one publishes the other receives.
  const [sent, received] = [videoOf(client.publish), videoOf((other.by_client as QualitySample).receive)];
  expect(received).toMatchObject({ stream_id: sent.stream_id, publisher_id: first.id });
  expect(sent.bitrate_bps / received.bitrate_bps).toBeCloseTo(1, 0);

  const session = (await server.rest.room(room.id)).active_session_id as string;
  const latest = await server.rest.latestQuality(session);
  expect(latest.map(({ participant_id }) => participant_id).sort()).toEqual(
    [first.id, first.id, second.id, second.id].sort(),
  );
  const [coarse] = await server.rest.quality(first.id, 3600);
  expect(coarse?.by_server?.interval_secs).toBeGreaterThan(25);

  // What was measured stays when they are gone.
  const before = (await server.rest.quality(first.id)).length;
  await first.ask((rig) => rig.room.disconnect());
  expect((await server.rest.quality(first.id)).length).toBeGreaterThanOrEqual(before);
});
