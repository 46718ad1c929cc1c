import { expect, it, vi } from "vitest";
import { AUTO_BURST, AUTO_PAUSE } from "../src/auto-subscriber.js";
import {
  alice,
  aliceStream,
  bob,
  bobStream,
  connectedRoom,
  expectCode,
  openRoom,
  participant,
  server,
  settle,
  startServer,
  stream,
  withServer,
} from "./fakes/server.js";

withServer({ participants: [participant(alice), participant(bob)], streams: [stream(aliceStream, alice)] });

const asked = () => server.socket.requests("subscribe").map(({ stream_id, video }) => [stream_id, video]);

it("subscribes what is there and what comes", async () => {
  const room = await connectedRoom({ autoSubscribe: true, mixedAudio: false });
  expect(room.getParticipantStream(alice, "self")).toMatchObject({ isConfigured: true });
  server.notice({ type: "stream_published", stream: stream(bobStream, bob) });
  await settle();
  expect(room.getParticipantStream(bob, "self")).toMatchObject({ isConfigured: true });
  expect(asked()).toEqual([
    [aliceStream, true],
    [bobStream, true],
  ]);
});

it("leaves alone what the application chooses, removes or subscribes itself", async () => {
  server.streams.push(stream(bobStream, bob, { key: "presentation" }));
  const room = await connectedRoom({
    mixedAudio: false,
    autoSubscribe: ({ key }) => (key === "self" ? { audio: true, video: false } : null),
  });
  expect(asked()).toEqual([[aliceStream, false]]);
  await room.removeSubscription(alice, "self");
  await room.addSubscription(bob, "presentation", { audio: true, video: true });
  expect(asked()).toEqual([
    [aliceStream, false],
    [bobStream, true],
  ]);
  expect([...room.getState().subscriptions.keys()]).toEqual([bob]);
});

it("tells what fails, and nothing of a stream that went", async () => {
  const errors: string[] = [];
  server.refuses.set("subscribe", { code: "overloaded", message: "no" });
  const room = await openRoom({ autoSubscribe: true, mixedAudio: false });
  room.on("error", ({ code }) => errors.push(code));
  await room.connect();
  await settle();
  expect(errors).toEqual(["overloaded"]);
  server.refuses.set("subscribe", { code: "stream_not_found", message: "no" });
  server.notice({ type: "stream_published", stream: stream(bobStream, bob) });
  server.notice({ type: "stream_unpublished", stream_id: bobStream });
  await settle();
  expect(errors).toEqual(["overloaded"]);
});

it("does not try without the grant, and keeps to the rate of the server", async () => {
  server.hello = { grants: { publish: true, subscribe: false, send_messages: true } };
  await connectedRoom({ autoSubscribe: true, mixedAudio: false });
  expect(asked()).toEqual([]);

  startServer();
  server.participants = [participant(alice)];
  server.streams = Array.from({ length: AUTO_BURST + 5 }, (_, at) =>
    stream(`a0a0a0a0-aaaa-4aaa-8aaa-${String(at).padStart(12, "0")}`, alice, { key: `s${at}` }),
  );
  await connectedRoom({ autoSubscribe: true, mixedAudio: false });
  expect(asked()).toHaveLength(AUTO_BURST);
  await vi.advanceTimersByTimeAsync(AUTO_PAUSE);
  expect(asked()).toHaveLength(AUTO_BURST + 5);
});

it("is checked", async () => {
  await expectCode(openRoom({ autoSubscribe: "all" as never }), "invalid_argument");
});
