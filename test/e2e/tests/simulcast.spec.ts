import { bo, dee } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("each viewer gets the size they ask for", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, viewer] = [await arrive(dee), await arrive(bo)];
  await sender.join(server, room.id);
  await sender.publish({ enableSimulcast: true });
  await viewer.join(server, room.id);
  await viewer.subscribe(sender);
  const width = async () => (await viewer.picture(sender))?.width ?? 0;
  await expect.poll(width, { timeout: 15_000 }).toBeGreaterThanOrEqual(640);
  await viewer.sees(sender);

  await viewer.subscribe(sender, "self", { quality: "low" });
  await expect.poll(width).toBeLessThan(640);
  await viewer.sees(sender);
  await viewer.tells("subscription_reconfigured", sender.id, "self");

  await viewer.subscribe(sender, "self", { quality: "high" });
  await expect.poll(width).toBeGreaterThanOrEqual(640);
  await viewer.sees(sender);
});
