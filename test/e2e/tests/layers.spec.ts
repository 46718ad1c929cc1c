import type { VideoPublishOptions } from "@rotunda/video";
import type { Participant } from "../harness/participant.js";
import { ada, bo } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

type Codec = NonNullable<VideoPublishOptions["codec"]>;

const mimeTypes: Record<Codec, string> = {
  vp8: "video/VP8",
  h264: "video/H264",
  vp9: "video/VP9",
  av1: "video/AV1",
};

/** What a change of size may cost beyond what the call does without one: no picture for this long, in ms. */
const glitch = 300;

function sizesChange(codec: Codec): void {
  test(`sizes of ${codec} change without a glitch`, async ({ server, arrive }) => {
    test.setTimeout(120_000);
    const room = await server.rest.createRoom();
    const [sender, viewer] = [await arrive(ada), await arrive(bo)];
    await sender.keepsSize();
    await sender.join(server, room.id);
    await sender.publish({ enableSimulcast: true, codec });
    await viewer.join(server, room.id);
    await viewer.subscribe(sender);
    const width = async () => (await viewer.picture(sender))?.width ?? 0;
    // A browser that is short of processor time sends smaller pictures than the camera films.
    await expect.poll(width, { timeout: 20_000 }).toBeGreaterThan(320);
    await viewer.sees(sender, "self", 40);
    expect(await viewer.ask((rig, id) => rig.videoCodec(id, "self"), sender.id)).toBe(mimeTypes[codec]);
    await flowOf(viewer, sender);
    await viewer.page.waitForTimeout(2_000);
    const still = (await flowOf(viewer, sender)).longestGap;
    const asked = (await receivedBy(viewer, sender)).pliCount as number;
    const gaps: Record<string, number[]> = { low: [], high: [] };
    for (const quality of ["low", "high", "low", "high", "low", "high"] as const) {
      let before = 0;
      const look = async () => {
        before = await width();
        return before;
      };
      // The sender may think for a while that the network does not carry its largest pictures, and leave them out again at any moment.
      await expect.poll(look, { timeout: 20_000 }).toBeGreaterThan(quality === "low" ? 320 : 0);
      await flowOf(viewer, sender);
      await viewer.subscribe(sender, "self", { quality });
      const times = async () => (await width()) / before;
      if (quality === "low") await expect.poll(times).toBeLessThan(0.7);
      else await expect.poll(times).toBeGreaterThan(1.4);
      gaps[quality]?.push((await flowOf(viewer, sender)).longestGap);
    }
    // What a busy machine does to a call is no fault of the switch: the best of three counts.
    for (const [quality, all] of Object.entries(gaps)) {
      expect(Math.min(...all) - still, `to ${quality}: ${all}, still: ${still}`).toBeLessThan(glitch);
    }
    await viewer.sees(sender, "self", 40);
    const { pliCount } = await receivedBy(viewer, sender);
    expect((pliCount as number) - asked, "keyframes the viewer had to ask for").toBeLessThanOrEqual(1);
  });
}

for (const codec of ["vp8", "h264", "vp9", "av1"] as const) sizesChange(codec);

for (const codec of ["vp8", "vp9", "av1"] as const) {
  test(`sizes of ${codec} that nobody sees are not sent`, async ({ server, arrive }) => {
    test.setTimeout(120_000);
    const room = await server.rest.createRoom();
    const [sender, viewer] = [await arrive(ada), await arrive(bo)];
    await sender.keepsSize();
    await sender.join(server, room.id);
    await sender.publish({ enableSimulcast: true, codec });
    await viewer.join(server, room.id);
    await expect.poll(async () => (await viewer.stream(sender)) !== undefined).toBe(true);
    const show = (width: number, height: number) =>
      viewer.ask((rig, [id, w, h]) => rig.show(id, "self", w, h), [sender.id, width, height] as const);
    await show(640, 360);
    await viewer.subscribe(sender);
    const received = async () => (await receivedBy(viewer, sender)).frameWidth;
    await expect.poll(received).toBeGreaterThan(320);
    const sentWidths = async () => {
      const before = await sender.ask((rig) => rig.sent());
      const frames = new Map(before.map((report) => [report.id, report.framesSent]));
      await viewer.ask(() => new Promise((done) => setTimeout(done, 700)));
      const now = await sender.ask((rig) => rig.sent());
      return now
        .filter(({ id, framesSent }) => framesSent !== frames.get(id))
        .map(({ frameWidth }) => frameWidth)
        .sort();
    };
    await show(320, 180);
    await expect.poll(received).toBe(320);
    await expect.poll(sentWidths, { intervals: [100] }).toEqual([320]);
    await expect.poll(() => sender.notices("layers_wanted").at(-1)).toMatchObject({ layers: 1 });

    await show(640, 360);
    await expect.poll(received, { intervals: [20] }).toBeGreaterThan(320);
    await show(0, 0);
    await expect.poll(sentWidths, { intervals: [100] }).toEqual([]);
    await expect.poll(() => sender.notices("layers_wanted").at(-1)).toMatchObject({ layers: 0 });
    await show(320, 180);
    await viewer.sees(sender, "self", 40);
  });
}

function flowOf(viewer: Participant, sender: Participant) {
  return viewer.ask((rig, id) => rig.flow(id, "self"), sender.id);
}

function receivedBy(viewer: Participant, sender: Participant) {
  return viewer.ask((rig, id) => rig.received(id, "self"), sender.id);
}
