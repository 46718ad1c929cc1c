import { ada, bo, wary } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("what the SDK captures is seen and heard, muted, closed and shared", async ({ server, arrive }) => {
  test.setTimeout(120_000);
  const room = await server.rest.createRoom();
  const [sender, viewer] = [await arrive(ada), await arrive(bo)];
  await sender.join(server, room.id);
  await viewer.join(server, room.id);
  await sender.ask((rig) => rig.publishMedia());
  await viewer.subscribe(sender);
  await viewer.sees(sender);
  await viewer.hears(sender);
  const lines = await sender.ask((rig) => rig.lines());

  await sender.ask((rig) => rig.media.setMicrophone(false));
  await viewer.tells("track_disabled", sender.id, "self", "audio");
  await sender.ask((rig) => rig.media.setCamera(false));
  await viewer.tells("track_disabled", sender.id, "self", "video");
  await sender.ask((rig) => rig.media.setCamera(true));
  await viewer.tells("track_enabled", sender.id, "self", "video");
  await viewer.sees(sender);

  // Another device: here the same one opened again, which is another track all the same.
  const before = await sender.ask((rig) => rig.media.getState().camera.track?.id);
  await sender.ask((rig) => rig.media.choose("camera", rig.media.getState().devices.videoinput[0]?.id ?? ""));
  expect(await sender.ask((rig) => rig.media.getState().camera.track?.id)).not.toBe(before);
  await viewer.sees(sender);
  expect(await sender.ask((rig) => rig.lines())).toEqual(lines);

  await sender.ask((rig) => rig.media.shareScreen());
  await viewer.subscribe(sender, "presentation");
  expect(await viewer.stream(sender, "presentation")).toMatchObject({ audio: true, video: true });
  await sender.ask((rig) => rig.media.stopScreen());
  await viewer.tells("stream_unpublished", sender.id, "presentation");
});

test("a camera that is pulled out is switched off for everybody", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [sender, viewer] = [await arrive(ada), await arrive(bo)];
  await sender.enter(server, room.id);
  await viewer.join(server, room.id, { autoSubscribe: true });
  await viewer.tells("subscription_started", sender.id, "self");
  await viewer.sees(sender);
  await sender.ask((rig) => rig.pullCamera());
  await sender.tells("local_track_ended", "self", "video");
  await viewer.tells("track_disabled", sender.id, "self", "video");
  await viewer.hears(sender);
});

test("a browser that refuses devices says so with a code", async ({ arrive }) => {
  const nobody = await arrive(wary);
  await expect(nobody.ask((rig) => rig.media.setCamera(true))).rejects.toMatchObject({
    code: expect.stringMatching(/^(permission_denied|permission_dismissed|device_not_found)$/),
  });
});

test("sound that is held back starts with a click", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(wary)];
  await speaker.enter(server, room.id);
  await listener.untouched();
  await listener.join(server, room.id, { playAudio: true, mixedAudio: false, autoSubscribe: true });
  await listener.tells("audio_blocked_changed", true);
  expect(await listener.ask((rig) => rig.playing())).toBe(0);
  await expect(listener.ask((rig) => rig.room.startAudio())).rejects.toMatchObject({
    code: "playback_blocked",
  });
  await listener.page.mouse.click(5, 5);
  await listener.tells("audio_blocked_changed", false);
  expect(await listener.ask((rig) => rig.playing())).toBe(1);
  await listener.ask((rig) => rig.room.startAudio());
  await listener.hears(speaker);
});
