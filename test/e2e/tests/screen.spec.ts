import { ada, bo, cy, desk } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("a shared screen is a second stream, and its lines are used again", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [presenter, viewer, other] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  await presenter.enter(server, room.id);
  for (const one of [viewer, other]) {
    await one.join(server, room.id);
    await one.subscribe(presenter);
    await one.sees(presenter);
  }

  let lines: number[][] | undefined;
  for (const round of [1, 2]) {
    await test.step(`share ${round}`, async () => {
      await presenter.ask((rig) => rig.share());
      for (const one of [viewer, other]) {
        await one.subscribe(presenter, "presentation");
        await one.seesColours(presenter, "presentation", desk, desk);
        await one.sees(presenter);
      }
      const now = await Promise.all([presenter, viewer].map((one) => one.ask((rig) => rig.lines())));
      lines ??= now;
      expect(now, "no line is opened for a second share").toEqual(lines);

      await presenter.ask((rig) => rig.unshare());
      for (const one of [viewer, other]) {
        await expect
          .poll(async () => Object.keys((await one.state()).streams))
          .toEqual([`${presenter.id}/self`]);
        expect((await one.state()).subscriptions).toEqual([`${presenter.id}/self`]);
      }
    });
  }
  const ends = (await viewer.told()).filter(({ event }) => event === "subscription_ended");
  const gone = (await viewer.told()).filter(({ event }) => event === "stream_unpublished");
  expect(ends.map(({ args }) => args)).toEqual(Array(2).fill([presenter.id, "presentation"]));
  expect(gone.map(({ args }) => args)).toEqual(Array(2).fill([presenter.id, "presentation"]));
  await viewer.sees(presenter);
});
