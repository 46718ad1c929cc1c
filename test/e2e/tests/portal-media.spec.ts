import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectColour, type Participant } from "../harness/participant.js";
import { ada, bo, type Colour, type Person } from "../harness/people.js";
import { expect, test } from "../harness/portal.js";
import type { RecordingRecord } from "../harness/rest.js";
import type { Rotunda } from "../harness/rotunda.js";

test.use({ serverOptions: { flags: ["--linger", "0s"] } });
// Each screen is looked at in both themes and at phone width, and examined by axe each time.
test.setTimeout(300_000);

/** Two people meet, are recorded, and go; the second switches the microphone off for a while. Returns the recordings, oldest first. */
async function meeting(server: Rotunda, arrive: (person: Person) => Promise<Participant>) {
  const room = await server.rest.createRoom({ unique_name: "Tea at four", enable_recording: true });
  const people = [await arrive(ada), await arrive(bo)] as const;
  for (const person of people) await person.enter(server, room.id);
  const session = (await server.rest.room(room.id)).active_session_id as string;
  const lasts = (milliseconds: number) =>
    expect
      .poll(async () => {
        const all = await server.rest.recordings(session);
        return all.length === 4 && all.every((one) => Date.now() - Date.parse(one.started_at) > milliseconds);
      })
      .toBe(true);
  await lasts(1_000);
  await people[1].ask((rig) => rig.switch("audio", false));
  await lasts(2_500);
  await people[1].ask((rig) => rig.switch("audio", true));
  await lasts(5_000);
  await server.rest.endSession(session);
  let all: RecordingRecord[] = [];
  await expect
    .poll(async () => {
      all = await server.rest.recordings(session);
      return all.map(({ status }) => status);
    })
    .toEqual(Array(4).fill("completed"));
  all.sort((a, b) => a.started_at.localeCompare(b.started_at));
  return { session, all, people };
}

/** The colour of what a picture or canvas shows at a place, 0 to 1 from its left and top. */
function colourAt(page: Page, selector: string, x: number, y: number): Promise<Colour> {
  return page.locator(selector).evaluate(
    (shown: HTMLVideoElement | HTMLCanvasElement, { x, y }) => {
      const canvas = document.createElement("canvas");
      const video = shown instanceof HTMLVideoElement;
      canvas.width = video ? shown.videoWidth : shown.width;
      canvas.height = video ? shown.videoHeight : shown.height;
      const context = canvas.getContext("2d");
      context?.drawImage(shown, 0, 0);
      const [r = 0, g = 0, b = 0] =
        context?.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data ?? [];
      return [r, g, b] as [number, number, number];
    },
    { x, y },
  );
}

/** The longest gap of a recording, in seconds of its file. */
async function gapOf(recording: RecordingRecord | undefined): Promise<{ at: number; until: number }> {
  const lines = (await (await fetch(recording?.index_url ?? "")).text()).trim().split("\n");
  const gaps = lines.map((line) => JSON.parse(line)).filter(({ gap }) => gap === "disabled");
  expect(gaps).toHaveLength(1);
  return { at: gaps[0].at / 1e6, until: gaps[0].until / 1e6 };
}

test("recordings are found, played alone and in step, and deleted by their number", async ({
  server,
  operator,
  arrive,
}, info) => {
  const { page } = operator;
  await operator.open("/recordings");
  await expect(page.getByText("There are no recordings yet.")).toBeVisible();
  const { session, all, people } = await meeting(server, arrive);
  await expect(page.getByText("4 recordings", { exact: true })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "Stored" })).toHaveCount(4);
  await operator.inspect(info, "recordings");

  await page.getByLabel("Kind").selectOption("video");
  await expect(page).toHaveURL(`${server.url}/portal/recordings?type=video`);
  await expect(page.getByText("2 recordings", { exact: true })).toBeVisible();
  const camera = all.find(({ type, participant_id }) => type === "video" && participant_id === people[0].id);
  await page.getByLabel("Participant id").fill(people[0].id);
  await expect(page.getByText("1 recording", { exact: true })).toBeVisible();
  await page.getByRole("row").filter({ hasText: "vp8" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Picture of Ada" })).toBeVisible();
  expect(page.url()).toContain(camera?.id);
  const alone = page.getByLabel("Picture of Ada", { exact: true });
  await alone.evaluate((video: HTMLVideoElement) => video.play());
  await expect.poll(() => alone.evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(1);
  expectColour(await colourAt(page, ".player video", 0.2, 0.1), ada.left, 20);
  await operator.inspect(info, "recording");

  await page.getByRole("link", { name: "Play with the others" }).click();
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  const microphone = all.find(
    ({ type, participant_id }) => type === "audio" && participant_id === people[1].id,
  );
  const gap = await gapOf(microphone);
  const offsets = new Map(
    all.map(({ id, started_at }) => [
      id,
      (Date.parse(started_at) - Date.parse(all[0]?.started_at ?? "")) / 1000,
    ]),
  );
  type Stand = { src: string; currentTime: number; paused: boolean; readyState: number };
  /** Where a player stands on the session's clock, and whether it plays. */
  const placed = ({ src, currentTime, ...rest }: Stand) => {
    const id = /media\/recording\/([^?]+)/.exec(src)?.[1] ?? "";
    return { ...rest, at: currentTime + (offsets.get(id) ?? Number.NaN) };
  };
  const stand = async () => {
    const found = await page
      .locator("video, audio")
      .evaluateAll((players: HTMLMediaElement[]) =>
        players.map(({ src, currentTime, paused, readyState }) => ({ src, currentTime, paused, readyState })),
      );
    return found.map(placed);
  };
  // Where the second has nothing to be heard, on the clock of the session.
  const begun = offsets.get(microphone?.id ?? "") ?? 0;
  const [silent, heard] = [begun + gap.at, begun + gap.until];
  const apart = (found: { at: number }[]) =>
    Math.max(...found.map(({ at }) => at)) - Math.min(...found.map(({ at }) => at));
  const play = page.getByRole("button", { name: "Play", exact: true });
  const pause = page.getByRole("button", { name: "Pause" });
  await play.click();
  await expect(pause).toBeVisible();
  // Played to the end, and looked at all the while: how far apart they were when all four played, after the gap.
  const looks = await page.evaluate(
    () =>
      new Promise<Stand[][]>((resolve) => {
        const taken: Stand[][] = [];
        const timer = setInterval(() => {
          const players = [...document.querySelectorAll<HTMLMediaElement>("video, audio")];
          taken.push(
            players.map(({ src, currentTime, paused, readyState }) => ({
              src,
              currentTime,
              paused,
              readyState,
            })),
          );
          if (!document.querySelector('[aria-label="Play"]')) return;
          clearInterval(timer);
          resolve(taken);
        }, 20);
      }),
  );
  const together = looks
    .map((look) => look.map(placed))
    .filter((look) => look.length === 4 && look.every(({ at, paused }) => at > heard && !paused))
    .map(apart);
  info.annotations.push({ type: "apart, s", description: together.map((s) => s.toFixed(3)).join(" ") });
  expect(Math.min(...together)).toBeLessThan(0.1);

  const moment = page.getByLabel("Moment");
  const later = Number((heard + 0.3).toFixed(1));
  const near = (a: number, b: number) => Math.abs(a - b) < 0.05;
  await moment.fill(String(later));
  await play.click();
  await pause.click();
  await expect.poll(async () => apart(await stand())).toBeLessThan(0.05);
  expect((await stand()).map(({ paused }) => paused)).toEqual([true, true, true, true]);
  await expect(page).toHaveURL(/\?at=\d/);
  expectColour(await colourAt(page, 'video[aria-label="Picture of Ada"]', 0.2, 0.1), ada.left, 20);
  expectColour(await colourAt(page, 'video[aria-label="Picture of Bo"]', 0.2, 0.1), bo.left, 20);
  await page.getByRole("button", { name: "Bo" }).click();
  expect(
    await page.getByLabel("Sound of Bo").evaluate((player: HTMLAudioElement) => player.muted),
    "one is silenced",
  ).toBe(true);
  await operator.inspect(info, "playback");
  const middle = Number(((silent + heard) / 2).toFixed(1));
  await moment.fill(String(middle));
  await expect
    .poll(async () => {
      const [a, b, c, d] = (await stand()).map(({ at }) => at).sort((a, b) => a - b);
      return [a, b, c].every((at) => near(at ?? 0, middle)) && near(d ?? 0, heard);
    }, "in a gap, one stands ready behind it")
    .toBe(true);
  await page.goto(`${server.url}/portal/recordings/session/${session}?at=${later}`);
  await expect
    .poll(async () => {
      const found = await stand();
      return found.length === 4 && found.every(({ at, readyState }) => readyState > 1 && near(at, later));
    })
    .toBe(true);

  await operator.open("/recordings?type=audio");
  await page.getByRole("button", { name: "Delete what is found" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("This deletes 2 recordings with their files, for good.");
  const go = dialog.getByRole("button", { name: "Delete 2 recordings" });
  await dialog.getByLabel("Type 2 to go on").fill("4");
  await expect(go).toBeDisabled();
  await operator.inspect(info, "delete-recordings");
  await dialog.getByLabel("Type 2 to go on").fill("2");
  await go.click();
  await expect(dialog).toContainText("2 recordings are gone");
  await dialog.getByRole("button", { name: "Done" }).click();
  expect((await server.rest.recordings(session)).map(({ type }) => type)).toEqual(["video", "video"]);
});

test("a composition is drawn over its recordings, made, fails and is tried again", async ({
  server,
  operator,
  arrive,
}, info) => {
  const { page } = operator;
  await operator.open("/compositions");
  await expect(page.getByText("There are no compositions yet.")).toBeVisible();
  const { all, people: met } = await meeting(server, arrive);
  // Who was recorded first comes first.
  const pictures = all.filter(({ type }) => type === "video");
  const [one, other] = pictures[0]?.participant_id === met[0].id ? [ada, bo] : [bo, ada];
  await page.getByRole("link", { name: "New composition" }).click();
  await page.getByRole("link", { name: /^Recorded/ }).click();

  await expect(page.locator("canvas")).toHaveAttribute("data-drawn", "2");
  await page.getByLabel("Frame", { exact: true }).selectOption("640x360");
  await page.getByRole("button", { name: "Stage and column" }).click();
  await expect(page.getByLabel("Preview with 2 pictures")).toHaveAttribute("data-drawn", "2");
  await expect
    .poll(async () => {
      const [stage, column] = [
        await colourAt(page, "canvas", 0.1, 0.3),
        await colourAt(page, "canvas", 0.78, 0.41),
      ];
      return Math.max(
        ...stage.map((c, i) => Math.abs(c - (one.left[i] ?? 0))),
        ...column.map((c, i) => Math.abs(c - (other.left[i] ?? 0))),
      );
    })
    .toBeLessThan(25);

  const people = page.getByRole("button", { name: /^Region people:/ });
  await people.focus();
  await expect(people).toHaveAccessibleName("Region people: 160 by 360 at 480, 0, depth 0");
  await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Control+ArrowLeft");
  await page.keyboard.press("]");
  await expect(people).toHaveAccessibleName("Region people: 160 by 352 at 479, 8, depth 1");
  await page.getByLabel("Left", { exact: true }).fill("320");
  await expect(people).toHaveAccessibleName(/at 320, 8/);

  const box = await page.locator(".stage").boundingBox();
  if (!box) throw new Error("there is no stage");
  const point = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
  await page.keyboard.down("Shift");
  await page.mouse.move(...point(0.05, 0.6));
  await page.mouse.down();
  await page.mouse.move(...point(0.2, 0.8));
  await page.mouse.move(...point(0.3, 0.89));
  await page.mouse.up();
  await page.keyboard.up("Shift");
  const drawn = page.getByRole("button", { name: /^Region region:/ });
  await expect(drawn).toHaveAccessibleName("Region region: 160 by 104 at 32, 216, depth 2");
  await page.mouse.move(...point(0.15, 0.7));
  await page.mouse.down();
  await page.mouse.move(...point(0.2, 0.7));
  await page.mouse.up();
  await expect(drawn).toHaveAccessibleName("Region region: 160 by 104 at 64, 216, depth 2");
  await page.getByRole("group", { name: "Pictures" }).getByLabel(other.name, { exact: true }).check();
  await page.getByRole("group", { name: "Pictures" }).getByLabel("Everybody").uncheck();

  const text = page.getByLabel("The same as JSON");
  await expect(text).toHaveValue(/"region": \{\s+"x_pos": 64/);
  const json = await text.inputValue();
  await text.fill(json.replace('"format": "mp4",', '"format": mp4,'));
  await expect(page.getByText("Line 3, column 13: This is no JSON. A value is missing.")).toBeVisible();
  await text.fill(json.replace('"x_pos": 64', '"x_pos": 9999'));
  await expect(
    page.getByText(/^Line \d+, column 16: x_pos must be a whole number from 0 to 1280/),
  ).toBeVisible();
  await text.fill(json.replace('"x_pos": 64', '"x_pos": 128'));
  await expect(drawn).toHaveAccessibleName(/at 128, 216/);
  await page.evaluate(() => window.scrollTo(0, 0));
  await operator.inspect(info, "composer");
  await drawn.focus();
  await page.keyboard.press("Delete");
  await expect(drawn).toHaveCount(0);
  await expect(text).not.toHaveValue(/"region"/);

  await page.getByRole("button", { name: "Side by side" }).click();
  await page.getByRole("button", { name: "Start composition" }).click();
  await expect(page.getByRole("heading", { name: "Composition", exact: true })).toBeVisible();
  await expect(page.getByText("Made", { exact: true }).first()).toBeVisible();
  const made = page.getByLabel("The composition");
  await made.evaluate((video: HTMLVideoElement) => video.play());
  await expect.poll(() => made.evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(2);
  expectColour(await colourAt(page, ".player video", 0.1, 0.3), one.left, 25);
  expectColour(await colourAt(page, ".player video", 0.9, 0.3), other.right, 25);
  await operator.inspect(info, "composition");

  const media = join(server.data, "media", "recordings");
  for (const file of await readdir(media, { recursive: true })) {
    if (file.endsWith(".webm")) await writeFile(join(media, file), "no media any more");
  }
  await page.getByRole("link", { name: "Draw another like it" }).click();
  await page.getByRole("button", { name: "Start composition" }).click();
  await expect(page.getByText("Code no_readable_tracks")).toBeVisible();
  const failed = page.url();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page).not.toHaveURL(failed);
  await expect(page.getByText("Code no_readable_tracks")).toBeVisible();
  await page.getByRole("link", { name: "Compositions" }).first().click();
  await expect(page.getByText("3 compositions", { exact: true })).toBeVisible();
  await page.getByLabel("State").selectOption("failed");
  await expect(page.getByRole("button", { name: /^Try again/ })).toHaveCount(2);
  await operator.inspect(info, "compositions");
});
