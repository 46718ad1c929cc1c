import { expect, it } from "vitest";
import { audioTrack, type FakeTrack, videoTrack } from "./fakes/media.js";
import { connectedRoom, server, settle, withServer } from "./fakes/server.js";

withServer();

const end = (track: MediaStreamTrack) => (track as unknown as FakeTrack).end();

async function publishing() {
  const room = await connectedRoom();
  const [audio, video] = [audioTrack(), videoTrack()];
  const told: unknown[] = [];
  room.on("local_track_ended", (key, kind, state) =>
    told.push([key, kind, room.getLocalStreams()[key]?.isVideoEnabled, state === room.getState()]),
  );
  room.on("track_disabled", (_id, key, kind) => told.push(["disabled", key, kind]));
  await room.addStream("self", { audio, video });
  return { room, audio, video, told };
}

it("a track that ends is switched off for everybody, and told", async () => {
  const { room, audio, video, told } = await publishing();
  end(video);
  await settle();
  expect(server.socket.requests("update_stream")).toMatchObject([{ video: { enabled: false } }]);
  expect(told).toEqual([
    ["disabled", "self", "video"],
    ["self", "video", false, true],
  ]);
  expect(room.getLocalStreams().self).toMatchObject({ audioTrack: audio, isAudioEnabled: true });
  expect(room.getLocalStreams().self?.videoTrack).toBeUndefined();
});

it("a track that the application replaced may end unheard", async () => {
  const { room, audio, video, told } = await publishing();
  const next = videoTrack();
  end(video);
  await room.updateStream("self", { audio, video: next });
  await settle();
  // What ended was switched off first, or found replaced; the new one stays in any case.
  expect(room.getLocalStreams().self).toMatchObject({ videoTrack: next, isVideoEnabled: true });
  const before = told.length;
  end(video);
  await settle();
  expect(told).toHaveLength(before);
});

it("an update that waits already has the last word", async () => {
  const { room, audio, video, told } = await publishing();
  const next = videoTrack();
  const updated = room.updateStream("self", { audio, video: next });
  end(video);
  await updated;
  await settle();
  expect(room.getLocalStreams().self?.videoTrack).toBe(next);
  expect(told).toEqual([]);
});

it("one that had ended before it was published is found out", async () => {
  const room = await connectedRoom();
  const video = videoTrack();
  end(video);
  await room.addStream("self", { video });
  await settle();
  expect(room.getLocalStreams().self?.isVideoEnabled).toBe(false);
});

it("one that is published under two keys is switched off under both", async () => {
  const { room, video } = await publishing();
  await room.addStream("again", { video });
  end(video);
  await settle();
  for (const key of ["self", "again"]) {
    expect(room.getLocalStreams()[key]).toMatchObject({ isVideoEnabled: false });
    expect(room.getLocalStreams()[key]?.videoTrack).toBeUndefined();
  }
});

it("one that went from one key to another is switched off under the other alone", async () => {
  const { room, audio, video } = await publishing();
  await room.addStream("again", { video });
  await room.updateStream("self", { audio });
  end(video);
  end(audio);
  await settle();
  expect(room.getLocalStreams().self).toMatchObject({ isAudioEnabled: false });
  expect(room.getLocalStreams().again).toMatchObject({ isVideoEnabled: false });
  await room.disconnect();
  expect([audio, video].map((track) => (track as unknown as FakeTrack).listeners)).toEqual([0, 0]);
});

it("a failure to say so is told", async () => {
  const { room, video } = await publishing();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  server.refuses.set("update_stream", { code: "overloaded", message: "no" });
  end(video);
  await settle();
  expect(errors).toEqual(["overloaded"]);
});
