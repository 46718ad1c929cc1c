import { ada, bo } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("muting silences, and says so", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  await speaker.enter(server, room.id);
  await listener.join(server, room.id);
  await listener.subscribe(speaker);
  await listener.hears(speaker);

  await speaker.ask((rig) => rig.switch("audio", false));
  await listener.tells("track_disabled", speaker.id, "self", "audio");
  expect(await listener.stream(speaker)).toMatchObject({ audio: false, video: true });
  await listener.hearsNothingOf(speaker);
  await listener.sees(speaker);
  // The server goes by what was said, not by what is sent.
  await speaker.ask((rig) => rig.cheat());
  await listener.sees(speaker);
  await listener.hearsNothingOf(speaker);

  await speaker.ask((rig) => rig.switch("audio", true));
  await listener.tells("track_enabled", speaker.id, "self", "audio");
  await listener.hears(speaker);
});

test("a camera goes off and comes back", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, viewer] = [await arrive(ada), await arrive(bo)];
  await sender.enter(server, room.id);
  await viewer.join(server, room.id);
  await viewer.subscribe(sender);
  await viewer.sees(sender);
  const lines = await sender.ask((rig) => rig.lines());

  await sender.ask((rig) => rig.camera(false));
  await viewer.tells("track_disabled", sender.id, "self", "video");
  await viewer.seesNothingNewOf(sender);
  await viewer.hears(sender);

  await sender.ask((rig) => rig.camera(true));
  await viewer.tells("track_enabled", sender.id, "self", "video");
  await viewer.sees(sender);
  expect(await sender.ask((rig) => rig.lines())).toEqual(lines);
});

test("a viewer chooses the kinds, and stops receiving", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, viewer] = [await arrive(ada), await arrive(bo)];
  await sender.enter(server, room.id);
  await viewer.join(server, room.id);
  await viewer.subscribe(sender, "self", { video: false });
  await viewer.hears(sender);
  expect(await viewer.framesDecoded(sender)).toBe(0);

  await viewer.subscribe(sender, "self", { audio: false });
  await viewer.sees(sender);
  await viewer.hearsNothingOf(sender);
  await viewer.subscribe(sender);
  await viewer.hears(sender);
  await viewer.sees(sender);
  const lines = await viewer.ask((rig) => rig.lines());

  await viewer.ask((rig, id) => rig.room.removeSubscription(id, "self"), sender.id);
  await viewer.tells("subscription_ended", sender.id, "self");
  expect(await viewer.state()).toMatchObject({
    subscriptions: [],
    streams: { [`${sender.id}/self`]: { configured: false } },
  });
  await viewer.subscribe(sender);
  await viewer.sees(sender);
  await viewer.hears(sender);
  expect(await viewer.ask((rig) => rig.lines())).toEqual(lines);
});
