import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("only those with the secret see and hear, and the secret may change", async ({ server, arrive }) => {
  test.setTimeout(120_000);
  const room = await server.rest.createRoom();
  const [sender, viewer, stranger] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  await sender.enter(server, room.id, { secret: 1 });
  await viewer.join(server, room.id, { secret: 1 });
  await stranger.join(server, room.id, { secret: 2 });
  for (const one of [viewer, stranger]) await one.subscribe(sender);
  await viewer.sees(sender);
  await viewer.hears(sender);

  await expect.poll(() => stranger.ask((rig) => [...rig.unreadable].sort())).toEqual(["audio", "video"]);
  expect(await stranger.framesDecoded(sender)).toBe(0);
  await stranger.hearsNothingOf(sender);

  await test.step("a new secret", async () => {
    for (const one of [viewer, stranger]) await one.ask((rig) => rig.setSecret(1, 3));
    await sender.ask((rig) => rig.setSecret(1, 3));
    await viewer.sees(sender);
    await viewer.hears(sender);
    await stranger.hears(sender);
    await stranger.sees(sender);
  });
});
