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

/** What a change of size may cost: no picture for this long, in ms. */
const glitch = 300;

for (const codec of ["vp8", "h264", "vp9", "av1"] as const) {
  test(`sizes of ${codec} change without a glitch`, async ({ server, arrive }) => {
    test.setTimeout(120_000);
    const room = await server.rest.createRoom();
    const [sender, viewer] = [await arrive(ada), await arrive(bo)];
    await sender.join(server, room.id);
    await sender.publish({ enableSimulcast: true, codec });
    await viewer.join(server, room.id);
    await viewer.subscribe(sender);
    const width = async () => (await viewer.picture(sender))?.width ?? 0;
    await expect.poll(width, { timeout: 20_000 }).toBe(640);
    await viewer.sees(sender, "self", 40);
    expect(await viewer.ask((rig, id) => rig.videoCodec(id, "self"), sender.id)).toBe(mimeTypes[codec]);
    await flowOf(viewer, sender);
    const asked = (await receivedBy(viewer, sender)).pliCount as number;
    for (const [quality, wanted] of [
      ["low", 320],
      ["high", 640],
      ["low", 320],
      ["high", 640],
    ] as const) {
      await viewer.subscribe(sender, "self", { quality });
      await expect.poll(width).toBe(wanted);
      const flow = await flowOf(viewer, sender);
      console.log(codec, quality, JSON.stringify(flow));
      expect.soft(flow.longestGap, `the longest gap on the way to ${quality}`).toBeLessThan(glitch);
    }
    await viewer.sees(sender, "self", 40);
    const { pliCount, freezeCount } = await receivedBy(viewer, sender);
    console.log(codec, pliCount, freezeCount);
    expect((pliCount as number) - asked, "keyframes the viewer had to ask for").toBeLessThanOrEqual(1);
  });
}

function flowOf(viewer: Participant, sender: Participant) {
  return viewer.ask((rig, id) => rig.flow(id, "self"), sender.id);
}

function receivedBy(viewer: Participant, sender: Participant) {
  return viewer.ask((rig, id) => rig.received(id, "self"), sender.id);
}
