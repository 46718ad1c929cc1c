import type { Browser } from "puppeteer-core";
import { arriveInFirefox, launchFirefox } from "../harness/firefox.js";
import type { Participant } from "../harness/participant.js";
import { ada } from "../harness/people.js";
import { test as base, expect } from "../harness/test.js";

const test = base.extend<{ visit: () => Promise<Participant> }, { firefox: Browser }>({
  firefox: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner wants it written so
    async ({}, use) => {
      const browser = await launchFirefox();
      await use(browser);
      await browser.close();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  visit: async ({ firefox, site }, use) => {
    const visitors: Participant[] = [];
    await use(async () => {
      const visitor = await arriveInFirefox(firefox, site);
      visitors.push(visitor);
      return visitor;
    });
    for (const { page, console } of visitors) {
      await page.close();
      const uncaught = console.filter((line) => line.startsWith("uncaught:"));
      expect(uncaught).toEqual([]);
    }
  },
});

// Two browsers that share few cores, one of which is slow to start.
test.describe.configure({ timeout: 120_000 });

/** Firefox's false camera shows no colour for long, so pictures are counted. */
async function watches(viewer: Participant, sender: Participant): Promise<void> {
  const before = await viewer.framesDecoded(sender);
  await expect.poll(() => viewer.framesDecoded(sender)).toBeGreaterThan(before + 10);
}

/** On a machine without a sound card Firefox runs no audio graph that could be measured, so packets are counted. */
async function isSentSound(listener: Participant, sender: Participant): Promise<void> {
  const packets = () => listener.ask((rig, id) => rig.audioPackets(id, "self"), sender.id);
  const before = await packets();
  await expect.poll(packets).toBeGreaterThan(before + 20);
}

test("Firefox and Chromium see and hear each other", async ({ server, arrive, visit }) => {
  const room = await server.rest.createRoom();
  const [chromium, firefox] = [await arrive(ada), await visit()];
  await chromium.enter(server, room.id);
  await firefox.join(server, room.id);
  await firefox.ask((rig) => rig.publishMedia());
  await chromium.subscribe(firefox);
  await firefox.subscribe(chromium);
  await firefox.sees(chromium);
  await isSentSound(firefox, chromium);
  await watches(chromium, firefox);
  await chromium.hears(firefox);

  await test.step("Firefox mutes, and closes its camera", async () => {
    const lines = await firefox.ask((rig) => rig.lines());
    await firefox.ask((rig) => rig.media.setMicrophone(false));
    await chromium.tells("track_disabled", firefox.id, "self", "audio");
    await chromium.hearsNothingOf(firefox);
    await firefox.ask((rig) => rig.media.setCamera(false));
    await chromium.tells("track_disabled", firefox.id, "self", "video");
    await chromium.seesNothingNewOf(firefox);
    await firefox.ask((rig) => rig.media.setMicrophone(true));
    await firefox.ask((rig) => rig.media.setCamera(true));
    await chromium.hears(firefox);
    await watches(chromium, firefox);
    expect(await firefox.ask((rig) => rig.lines())).toEqual(lines);
  });

  await test.step("they write to each other", async () => {
    expect(await firefox.ask((rig) => rig.send("hello from the fox"))).toEqual([]);
    const { args } = await chromium.tells("message_received", firefox.id);
    expect(args[1]).toMatchObject({ type: "text", payload: "hello from the fox" });
    await chromium.ask((rig) => rig.send("hello back"));
    await firefox.tells("message_received", chromium.id);
  });

  await test.step("Firefox leaves", async () => {
    await firefox.ask((rig) => rig.room.disconnect());
    await chromium.tells("participant_left", firefox.id);
  });
});

test("Firefox plays what it subscribes by itself, and tells what it cannot do", async ({
  server,
  arrive,
  visit,
}) => {
  const room = await server.rest.createRoom();
  const [chromium, firefox] = [await arrive(ada), await visit()];
  await chromium.enter(server, room.id);
  await firefox.join(server, room.id, { playAudio: true, mixedAudio: false, autoSubscribe: true });
  await firefox.tells("subscription_started", chromium.id, "self");
  await isSentSound(firefox, chromium);
  await expect.poll(() => firefox.ask((rig) => rig.playing())).toBe(1);

  // Browsers on phones share no screen.
  await firefox.ask(() => {
    Object.defineProperty(navigator.mediaDevices, "getDisplayMedia", { value: undefined });
  });
  await expect(firefox.ask((rig) => rig.media.shareScreen())).rejects.toMatchObject({
    code: "not_supported",
  });
  expect(await firefox.ask((rig) => rig.media.getState().screen)).toBeUndefined();
});

test("what is encrypted end to end in one is decrypted in the other", async ({ server, arrive, visit }) => {
  const room = await server.rest.createRoom();
  const [chromium, firefox] = [await arrive(ada), await visit()];
  await chromium.enter(server, room.id, { secret: 1 });
  await firefox.join(server, room.id, { secret: 1 });
  await firefox.ask((rig) => rig.publishMedia());
  await firefox.subscribe(chromium);
  await firefox.sees(chromium);
  await chromium.subscribe(firefox);
  await watches(chromium, firefox);
  await chromium.hears(firefox);
  expect(await firefox.ask((rig) => [...rig.unreadable])).toEqual([]);
});
