import { ada, bo, cy, type Person } from "../harness/people.js";
import { TelnyxTab } from "../harness/telnyx.js";
import { test as base, expect } from "../harness/test.js";

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

const tells = (tab: TelnyxTab, ...event: unknown[]) => expect.poll(() => tab.told()).toContainEqual(event);

/** Sees and hears the person in what was subscribed last. */
async function senses(tab: TelnyxTab, person: Person): Promise<void> {
  await expect
    .poll(async () => {
      const { picture, tone } = await tab.senses();
      const off = [picture?.left, picture?.right].map((seen, i) =>
        Math.max(...(i ? person.right : person.left).map((part, j) => Math.abs(part - (seen?.[j] ?? 999)))),
      );
      return Math.max(...off) < 40 && Math.abs(tone.pitch - person.pitch) < 15 && tone.level > -60;
    })
    .toBe(true);
}

test("the Telnyx client lives a whole life", async ({ server, tab }) => {
  const room = await server.rest.createRoom();
  const [a, b] = [await tab(ada), await tab(bo)];
  expect(await a.enter(room.id)).toBe("connected");
  expect(await b.enter(room.id)).toBe("connected");
  await tells(a, "participant_joined", b.id);

  await a.publish("self");
  await tells(b, "stream_published", a.id, "self");
  await b.subscribe(a.id, "self");
  await tells(b, "subscription_started", a.id, "self");
  await senses(b, ada);

  await a.page.evaluate(() => telnyx.room.updateStream("self", { video: telnyx.video }));
  await tells(b, "track_disabled", a.id, "self", "audio");
  await a.page.evaluate(() => telnyx.room.updateStream("self", { audio: telnyx.audio, video: telnyx.video }));
  await tells(b, "track_enabled", a.id, "self", "audio");
  await senses(b, ada);

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
  for (const one of [a, b]) await tells(one, "track_censored", a.id, "self", "audio");
  expect(await server.rest.moderate(session, "kick", [a.id])).toEqual([a.id]);
  await tells(a, "participant_leaving", a.id, "kicked");
  await tells(a, "disconnected", "unknown");
  await tells(b, "participant_left", a.id);

  await b.publish("self");
  await tells(b, "stream_published", b.id, "self");
  await b.page.evaluate(() => telnyx.room.removeStream("self"));
  await b.page.evaluate(() => telnyx.room.disconnect());
  await tells(b, "disconnected", "user_initiated");
});

test("the Telnyx client is told that it may not come in", async ({ server, tab }) => {
  const room = await server.rest.createRoom({ max_participants: 2 });
  for (const person of [ada, bo]) expect(await (await tab(person)).enter(room.id)).toBe("connected");
  expect(await (await tab(cy)).enter(room.id)).toBe("disconnected unknown");
});

test("the Telnyx client and our own are in one call", async ({ server, tab, arrive }) => {
  const room = await server.rest.createRoom();
  const [telnyx, own] = [await tab(ada), await arrive(bo)];
  expect(await telnyx.enter(room.id)).toBe("connected");
  await own.enter(server, room.id);
  await tells(telnyx, "stream_published", own.id, "self");
  await telnyx.subscribe(own.id, "self");
  await senses(telnyx, bo);

  await telnyx.publish("self");
  await own.tells("stream_published", telnyx.id, "self");
  await own.subscribe(telnyx);
  await own.sees(telnyx);
  await own.hears(telnyx);
});
