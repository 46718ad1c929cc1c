import { ada, bo, type Colour, cy, desk, type Person } from "../harness/people.js";
import { TelnyxTab } from "../harness/telnyx.js";
import { test as base, expect } from "../harness/test.js";
import type { Picture } from "../page/picture.js";

const test = base.extend<{ tab: (person: Person) => Promise<TelnyxTab> }>({
  tab: async ({ contextOf, server, site }, use) => {
    await use(async (person) => {
      const context = await contextOf(person);
      const tab = new TelnyxTab(person, await context.newPage(), server);
      await tab.open(site.url);
      return tab;
    });
  },
});

/** How far a picture is from what its halves should show, in the worst of their parts. */
function farOff(picture: Picture | undefined, left: Colour, right: Colour): number {
  const off = (seen: Colour | undefined, wanted: Colour) =>
    Math.max(...wanted.map((part, i) => Math.abs(part - (seen?.[i] ?? 999))));
  return Math.max(off(picture?.left, left), off(picture?.right, right));
}

/** Sees and hears the person in what was subscribed last. */
async function senses(tab: TelnyxTab, person: Person): Promise<void> {
  await expect
    .poll(async () => {
      const { picture, tone } = await tab.senses();
      const seen = farOff(picture, person.left, person.right) < 40;
      return seen && Math.abs(tone.pitch - person.pitch) < 15 && tone.level > -60;
    })
    .toBe(true);
}

test("the Telnyx client lives a whole life", async ({ server, tab }) => {
  const room = await server.rest.createRoom();
  const [a, b] = [await tab(ada), await tab(bo)];
  expect(await a.enter(room.id)).toBe("connected");
  expect(await b.enter(room.id)).toBe("connected");
  await a.tells("participant_joined", b.id);

  await a.publish("self", true);
  await b.tells("stream_published", a.id, "self");
  await b.subscribe(a.id, "self");
  await b.tells("subscription_started", a.id, "self");
  await senses(b, ada);
  await b.tells("audio_activity", a.id, "self");
  await b.tells("audio_activity", a.id, null);
  await a.page.evaluate(() => telnyx.room.enableNetworkMetricsReport([]));
  await b.page.evaluate((id) => telnyx.room.enableNetworkMetricsReport([id]), a.id);
  await b.tells("network_metrics_report");

  await b.page.evaluate(
    (id) => telnyx.room.updateSubscription(id, "self", { audio: false, video: true }),
    a.id,
  );
  const heard = async () => (await b.senses()).tone.level;
  await expect.poll(heard, { intervals: [100] }).toBeLessThan(-80);
  await b.page.evaluate(
    (id) => telnyx.room.updateSubscription(id, "self", { audio: true, video: true }),
    a.id,
  );
  await senses(b, ada);

  await a.page.evaluate(() => telnyx.room.updateStream("self", { video: telnyx.video }));
  await b.tells("track_disabled", a.id, "self", "audio");
  await a.page.evaluate(() => telnyx.room.updateStream("self", { audio: telnyx.audio, video: telnyx.video }));
  await b.tells("track_enabled", a.id, "self", "audio");
  await senses(b, ada);

  await a.share();
  await b.tells("stream_published", a.id, "presentation");
  await b.subscribe(a.id, "presentation");
  await expect.poll(async () => farOff((await b.senses()).picture, desk, desk)).toBeLessThan(40);
  await a.page.evaluate(() => telnyx.room.removeStream("presentation"));
  await b.tells("stream_unpublished", a.id, "presentation");

  await a.page.evaluate(() => telnyx.room.sendMessage({ type: "text", payload: "to all" }));
  await a.page.evaluate((to) => telnyx.room.sendMessage({ type: "text", payload: "to one" }, [to]), b.id);
  const messages = async (of: TelnyxTab) =>
    (await of.told())
      .filter(([event]) => event === "message_received")
      .map(([, from, message]) => [from, message]);
  const toAll = [a.id, { type: "text", payload: "to all" }];
  await expect.poll(() => messages(b)).toEqual([toAll, [a.id, { type: "text", payload: "to one" }]]);
  expect(await messages(a)).toEqual([toAll]);

  const session = (await server.rest.room(room.id)).active_session_id as string;
  expect(await server.rest.moderate(session, "mute", [a.id])).toEqual([a.id]);
  for (const one of [a, b]) await one.tells("track_censored", a.id, "self", "audio");
  expect(await server.rest.moderate(session, "kick", [a.id])).toEqual([a.id]);
  await a.tells("participant_leaving", a.id, "kicked");
  await a.tells("disconnected", "unknown");
  await b.tells("participant_left", a.id);

  await b.publish("self");
  await b.tells("stream_published", b.id, "self");
  await b.page.evaluate(() => telnyx.room.removeStream("self"));
  await b.page.evaluate(() => telnyx.room.disconnect());
  await b.tells("disconnected", "user_initiated");
});

test("the Telnyx client is told that it may not come in, or stay", async ({ server, tab }) => {
  const room = await server.rest.createRoom({ max_participants: 2 });
  const elsewhere = await server.rest.createRoom();
  const [a, b, c] = [await tab(ada), await tab(bo), await tab(cy)];
  const { token } = await server.rest.tokens(elsewhere.id);
  for (const bad of ["nonsense", token]) expect(await c.enter(room.id, bad)).toBe("disconnected unknown");

  const short = await server.rest.tokens(room.id, { token_ttl_secs: 10 });
  expect(await a.enter(room.id, short.token)).toBe("connected");
  const fresh = await server.rest.refreshedToken(room.id, short.refresh_token);
  await a.page.evaluate((token) => telnyx.room.updateClientToken(token), fresh);
  const brief = await server.rest.tokens(room.id, { token_ttl_secs: 10 });
  expect(await b.enter(room.id, brief.token)).toBe("connected");
  expect(await c.enter(room.id)).toBe("disconnected unknown"); // it is full
  await expect.poll(() => b.told(), { timeout: 20_000 }).toContainEqual(["disconnected", "unknown"]);
  await a.tells("participant_left", b.id);
  expect((await server.rest.participant(b.id)).left_reason).toBe("token_expired");
  await expect(b.enter(room.id, brief.token)).resolves.toBe("disconnected unknown");

  expect(await c.enter(room.id)).toBe("connected");
  await server.rest.endSession((await server.rest.room(room.id)).active_session_id as string);
  for (const one of [a, c]) await one.tells("disconnected", "session_terminated");
});

test("everybody hears all others in one track, whichever client they have", async ({
  server,
  tab,
  arrive,
}) => {
  const room = await server.rest.createRoom();
  const [a, b, own] = [await tab(ada), await tab(bo), await arrive(cy)];
  for (const one of [a, b]) expect(await one.enter(room.id)).toBe("connected");
  await a.publish("self");
  await b.hearsInMix([ada], [bo]);
  await own.enter(server, room.id);
  await b.publish("self");
  await a.hearsInMix([bo, cy], [ada]);
  await b.hearsInMix([ada, cy], [bo]);
  for (const one of [a, b]) await own.hearsInMix(one);

  // Once, and as loud as in the stream itself.
  await a.subscribe(b.id, "self");
  await senses(a, bo);
  await expect
    .poll(async () => {
      const [mixed = 0] = await a.mixed([bo]);
      return Math.abs(mixed - (await a.senses()).tone.level);
    })
    .toBeLessThan(3);
  await own.ask((rig) => rig.room.disconnect());
  await a.hearsInMix([bo], [ada, cy]);
});

test("what may not be heard is not in the mix", async ({ server, tab }) => {
  const room = await server.rest.createRoom();
  const [a, b] = [await tab(ada), await tab(bo)];
  for (const one of [a, b]) expect(await one.enter(room.id)).toBe("connected");
  await b.hearsInMix([], [ada, bo]);
  await a.publish("self");
  await b.hearsInMix([ada]);

  await a.page.evaluate(() => telnyx.room.updateStream("self", { video: telnyx.video }));
  await b.hearsInMix([], [ada]);
  await a.page.evaluate(() => telnyx.room.updateStream("self", { audio: telnyx.audio, video: telnyx.video }));
  await b.hearsInMix([ada]);

  const session = (await server.rest.room(room.id)).active_session_id as string;
  await server.rest.moderate(session, "mute", [a.id]);
  await b.hearsInMix([], [ada]);
  await a.tells("track_censored", a.id, "self", "audio");
  await server.rest.moderate(session, "unmute", [a.id]);
  await a.tells("track_uncensored", a.id, "self", "audio");
  await b.hearsInMix([ada]);

  // The client goes on sending the microphone.
  await a.page.evaluate(() => telnyx.room.removeStream("self"));
  await b.hearsInMix([], [ada]);
});

test("the Telnyx client and our own are in one call", async ({ server, tab, arrive }) => {
  const room = await server.rest.createRoom();
  const [telnyx, own] = [await tab(ada), await arrive(bo)];
  expect(await telnyx.enter(room.id)).toBe("connected");
  await own.enter(server, room.id);
  await telnyx.tells("stream_published", own.id, "self");
  await telnyx.subscribe(own.id, "self");
  await senses(telnyx, bo);

  await telnyx.publish("self");
  await own.tells("stream_published", telnyx.id, "self");
  await own.subscribe(telnyx);
  await own.sees(telnyx);
  await own.hears(telnyx);
});
