import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Events, initialize, type Room, type State, type SubscriptionConfig } from "../src/index.js";
import { MIX_BURST, MIX_PAUSE } from "../src/mix-feed.js";
import { FakeAudio, FakeAudioContext } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  bob,
  bobStream,
  connectedRoom,
  expectCode,
  openRoom,
  participant,
  roomId,
  server,
  settle,
  startServer,
  stream,
  withServer,
} from "./fakes/server.js";

const both = { audio: true, video: true };
const soundOnly = { audio: true, video: false };
const pictureOnly = { audio: false, video: true };
const bobScreen = "b1b1b1b1-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

withServer({
  participants: [participant(alice), participant(bob)],
  streams: [
    stream(aliceStream, alice),
    stream(bobStream, bob),
    stream(bobScreen, bob, { key: "presentation" }),
  ],
});

const heard = () => (FakeAudioContext.all.at(-1) as FakeAudioContext).heard();
const receiving = () => server.peer.transceivers.filter((line) => line.direction === "recvonly");
const soundLines = () => receiving().filter((line) => line.kind === "audio");
const asked = (...types: string[]) =>
  server.socket.sent
    .filter((frame) => types.includes(frame.type))
    .map((frame) => {
      const { type, stream_id, audio, video } = frame as unknown as Record<string, unknown>;
      return [type, stream_id, audio, video].filter((field) => field !== undefined);
    });
const askedForStreams = () => asked("subscribe", "update_subscription", "unsubscribe");
const track = (room: Room, id = alice) => room.getParticipantStream(id, "self")?.audioTrack;

describe("at connect", () => {
  it("takes the sound of every stream, in one burst and with one offer", async () => {
    const room = await openRoom();
    const connecting = room.connect();
    await connecting;
    expect(askedForStreams()).toEqual([
      ["subscribe", aliceStream, true, false],
      ["subscribe", bobStream, true, false],
      ["subscribe", bobScreen, true, false],
    ]);
    await settle();
    expect(server.socket.requests("offer")).toHaveLength(1);
    expect(receiving()).toHaveLength(6);
    expect(new Set(heard())).toEqual(new Set(soundLines().map((line) => line.receiver.track)));
    const [context] = FakeAudioContext.all as [FakeAudioContext];
    expect(FakeAudioContext.all).toHaveLength(1);
    expect(room.getState().mixedAudioTrack).toBe(context.mixed.getTracks()[0]);
    expect(context.state).toBe("running");
    // Each track also plays, muted, or Chromium gives no samples.
    expect(FakeAudio.all.map((element) => element.muted && element.srcObject !== null)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("shows nothing of it", async () => {
    const room = await openRoom();
    const told: string[] = [];
    for (const event of ["state_changed", "subscription_started", "error"] as const)
      room.on(event, () => told.push(event));
    await room.connect();
    await settle();
    expect(told).toEqual(["state_changed", "state_changed"]);
    expect(room.getState().subscriptions.size).toBe(0);
    for (const known of room.getState().streams.values()) {
      expect(known.isConfigured).toBe(false);
      expect(known).not.toHaveProperty("audioTrack");
      expect(known).not.toHaveProperty("videoTrack");
    }
    expect(await room.getWebRTCStatsForStream(alice, "self")).toEqual({ senders: {}, receivers: {} });
    await expectCode(room.removeSubscription(alice, "self"), "subscription_not_found");
    await expectCode(room.updateSubscription(alice, "self", both), "subscription_not_found");
  });

  it("asks once for what the application subscribes in its listener", async () => {
    const room = await openRoom();
    const subscribing: Promise<void>[] = [];
    room.on("connected", () => subscribing.push(room.addSubscription(alice, "self", both)));
    await room.connect();
    await Promise.all(subscribing);
    await settle();
    expect(askedForStreams()).toEqual([
      ["subscribe", aliceStream, true, true],
      ["subscribe", bobStream, true, false],
      ["subscribe", bobScreen, true, false],
    ]);
    expect(server.socket.requests("offer")).toHaveLength(1);
    expect(heard()).toHaveLength(3);
  });

  it("asks for many streams bit by bit", async () => {
    const ids = Array.from({ length: MIX_BURST + 50 }, (_, index) =>
      aliceStream.replace(/^a0a0/, index.toString(16).padStart(4, "0")),
    );
    server.streams = ids.map((id, index) => stream(id, alice, { key: `stream ${index}` }));
    await connectedRoom();
    expect(server.socket.requests("subscribe")).toHaveLength(MIX_BURST);
    await vi.advanceTimersByTimeAsync(MIX_PAUSE);
    await settle();
    expect(server.socket.requests("subscribe").map((frame) => frame.stream_id)).toEqual(ids);
    expect(heard()).toHaveLength(ids.length);
  });
});

it("goes along as streams come and go", async () => {
  server.streams = [];
  const room = await connectedRoom();
  const { mixedAudioTrack } = room.getState();
  expect(heard()).toEqual([]);
  server.notice({ type: "stream_published", stream: stream(aliceStream, alice) });
  await settle();
  expect(heard()).toEqual([soundLines()[0]?.receiver.track]);
  server.notice({ type: "stream_unpublished", stream_id: aliceStream });
  expect(heard()).toEqual([]);
  server.notice({ type: "receive", lines: [] });
  server.notice({ type: "stream_published", stream: stream(bobStream, bob) });
  await settle();
  expect(heard()).toHaveLength(1);
  expect(room.getState().mixedAudioTrack).toBe(mixedAudioTrack);
});

it("keeps those in the mix who are silent", async () => {
  const off = { enabled: false, censored: false };
  server.streams = [stream(aliceStream, alice, { audio: off })];
  await connectedRoom();
  expect(heard()).toHaveLength(1);
  const on = { enabled: true, censored: true };
  server.notice({ type: "stream_updated", stream: stream(aliceStream, alice, { audio: on }) });
  expect(heard()).toHaveLength(1);
});

describe("a stream that the application subscribes", () => {
  let room: Room;
  beforeEach(async () => {
    server.streams = [stream(aliceStream, alice)];
    room = await connectedRoom();
    server.socket.sent.length = 0;
  });

  it("uses the lines of the mix, and is heard in it once", async () => {
    await room.addSubscription(alice, "self", { ...both, quality: "low" });
    expect(server.socket.sent).toMatchObject([
      { type: "subscribe", stream_id: aliceStream, ...both, quality: "low" },
    ]);
    expect(receiving()).toHaveLength(2);
    expect(heard()).toEqual([track(room)]);
    expect(track(room)).toBe(soundLines()[0]?.receiver.track);
  });

  it("has its own sound only if it asked for it, and stays in the mix", async () => {
    const subscription = () => room.getState().subscriptions.get(alice)?.get("self");
    await room.addSubscription(alice, "self", pictureOnly);
    expect(askedForStreams()).toEqual([["subscribe", aliceStream, true, true]]);
    expect(subscription()).toMatchObject(pictureOnly);
    expect(track(room)?.enabled).toBe(false);
    expect(heard()).toEqual([track(room)]);

    let enabled: unknown;
    room.on("subscription_reconfigured", () => {
      enabled = track(room)?.enabled;
    });
    await room.updateSubscription(alice, "self", soundOnly);
    expect(enabled).toBe(true);
    await room.updateSubscription(alice, "self", pictureOnly);
    expect(askedForStreams().slice(1)).toEqual([
      ["update_subscription", aliceStream, true, false],
      ["update_subscription", aliceStream, true, true],
    ]);
    expect(enabled).toBe(false);
    expect(subscription()).toMatchObject(pictureOnly);
    expect(heard()).toEqual([track(room)]);
  });

  it("can be silenced by the application without the mix losing it", async () => {
    await room.addSubscription(alice, "self", both);
    const own = track(room) as MediaStreamTrack;
    own.enabled = false;
    expect(heard()).toEqual([own]);
    // Nor is it switched on again by a change of something else.
    await room.updateSubscription(alice, "self", { ...both, quality: "low" });
    expect(own.enabled).toBe(false);
    own.stop();
    expect(heard()).toEqual([own]);
  });

  it("stays in the mix when its subscription is removed, on the same lines", async () => {
    await room.addSubscription(alice, "self", pictureOnly);
    const own = track(room);
    const notices = vi.fn();
    const { onmessage } = server.socket;
    server.socket.onmessage = (event) => {
      if (String(event.data).includes('"receive"')) notices();
      onmessage?.(event);
    };
    await room.removeSubscription(alice, "self");
    await settle();
    expect(askedForStreams().slice(1)).toEqual([["update_subscription", aliceStream, true, false]]);
    expect(notices).not.toHaveBeenCalled();
    expect(room.getState().subscriptions.size).toBe(0);
    expect(room.getParticipantStream(alice, "self")?.isConfigured).toBe(false);
    expect(track(room)).toBeUndefined();
    expect(await room.getWebRTCStatsForStream(alice, "self")).toEqual({ senders: {}, receivers: {} });
    expect(heard()).toEqual([own]);

    await room.addSubscription(alice, "self", both);
    expect(track(room)).toBe(own);
    expect(own?.enabled).toBe(true);
    expect(server.socket.requests("offer")).toEqual([]);
  });

  it("is told to have ended when it was withdrawn before its subscription was removed", async () => {
    await room.addSubscription(alice, "self", both);
    server.refuses.set("update_subscription", { code: "stream_not_found", message: "" });
    await expectCode(room.removeSubscription(alice, "self"), "subscription_not_found");
  });

  it("stays in the mix when the application gives up", async () => {
    server.notice({ type: "stream_published", stream: stream(bobStream, bob) });
    server.holds.add("subscribe");
    await settle();
    const rejected = expectCode(room.addSubscription(bob, "self", both), "timed_out");
    await settle();
    // The server takes it, but gives it no lines.
    for (const { id } of server.socket.requests("subscribe").slice(-1)) server.socket.reply(id, {});
    server.notice({ type: "receive", lines: [] });
    await vi.advanceTimersByTimeAsync(15_000);
    await rejected;
    expect(asked("update_subscription", "unsubscribe")).toEqual([
      ["update_subscription", bobStream, true, false],
    ]);
  });
});

it("takes over what the application could not subscribe", async () => {
  server.holds.add("subscribe");
  server.streams = [stream(aliceStream, alice)];
  const room = await openRoom();
  const subscribing: Promise<void>[] = [];
  room.on("connected", () => {
    const adding = room.addSubscription(alice, "self", both);
    subscribing.push(expectCode(adding, "unavailable"));
  });
  await room.connect();
  await settle();
  const id = server.socket.requests("subscribe")[0]?.id as number;
  server.holds.clear();
  server.socket.refuse(id, { code: "unavailable", message: "not now" });
  await Promise.all(subscribing);
  await settle();
  expect(askedForStreams()).toEqual([
    ["subscribe", aliceStream, true, true],
    ["subscribe", aliceStream, true, false],
  ]);
  expect(heard()).toHaveLength(1);
});

it.each(["stream_not_found", "media_failed", "internal"])("keeps quiet about %s", async (code) => {
  server.refuses.set("subscribe", { code, message: "no" });
  const room = await openRoom();
  const errors: string[] = [];
  room.on("error", (error) => errors.push(error.code));
  await room.connect();
  await settle();
  server.notice({ type: "participant_joined", participant: participant(bobScreen) });
  await settle();
  expect(errors).toEqual([]);
  // Each was asked for once.
  expect(server.socket.requests("subscribe")).toHaveLength(3);
  server.refuses.clear();
  await room.addSubscription(alice, "self", both);
  expect(heard()).toEqual([track(room)]);
});

describe("the token", () => {
  const grants = { publish: true, subscribe: false, send_messages: true };

  it("without the right to subscribe leaves the mix silent", async () => {
    server.hello = { grants };
    const room = await openRoom();
    const errors: string[] = [];
    room.on("error", (error) => errors.push(error.code));
    await room.connect();
    server.notice({ type: "stream_unpublished", stream_id: bobScreen });
    await settle();
    expect(server.socket.sent.map((frame) => frame.type)).toEqual(["hello", "join"]);
    expect(room.getState().mixedAudioTrack?.kind).toBe("audio");
    expect(heard()).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("may get that right later", async () => {
    server.hello = { grants };
    const room = await connectedRoom();
    await room.updateClientToken("one that grants more");
    await room.addSubscription(alice, "self", both);
    await settle();
    expect(askedForStreams().slice(1)).toEqual([
      ["subscribe", bobStream, true, false],
      ["subscribe", bobScreen, true, false],
    ]);
    expect(heard()).toHaveLength(3);
  });

  it("may lose it, and subscriptions can still be removed", async () => {
    const room = await connectedRoom();
    await room.addSubscription(alice, "self", both);
    for (const type of ["subscribe", "update_subscription"]) {
      server.refuses.set(type, { code: "forbidden", message: "no" });
    }
    const errors: string[] = [];
    room.on("error", (error) => errors.push(error.code));
    await room.removeSubscription(alice, "self");
    expect(asked("unsubscribe")).toEqual([["unsubscribe", aliceStream]]);
    expect(room.getState().subscriptions.size).toBe(0);
    server.socket.sent.length = 0;
    server.notice({
      type: "stream_published",
      stream: stream(bobScreen.replace("b1", "b2"), bob, { key: "x" }),
    });
    await settle();
    expect(server.socket.sent).toEqual([]);
    expect(errors).toEqual([]);
    expect(heard()).toHaveLength(2);
  });
});

describe("mixedAudio: false", () => {
  it("receives nothing that was not subscribed, and makes no mix", async () => {
    vi.stubGlobal("AudioContext", undefined);
    const room = await connectedRoom({ mixedAudio: false });
    expect(askedForStreams()).toEqual([]);
    expect(room.getState()).not.toHaveProperty("mixedAudioTrack");
    await room.addSubscription(alice, "self", pictureOnly);
    await room.removeSubscription(alice, "self");
    expect(askedForStreams()).toEqual([
      ["subscribe", aliceStream, false, true],
      ["unsubscribe", aliceStream],
    ]);
    expect(FakeAudio.all).toEqual([]);
  });

  it("must be true or false", async () => {
    const wrong = { roomId, clientToken: "t", mixedAudio: "no" };
    await expectCode(initialize(wrong as never), "invalid_argument");
  });
});

/** Does the same things with and without a mix, and writes down what the application sees. */
async function life(mixedAudio: boolean): Promise<unknown[]> {
  const room = await openRoom({ mixedAudio });
  const seen: unknown[] = [];
  const names: (keyof Events)[] = [
    "state_changed",
    "connected",
    "subscription_started",
    "subscription_reconfigured",
    "subscription_ended",
    "stream_published",
    "stream_unpublished",
    "participant_left",
    "error",
  ];
  for (const name of names) {
    room.on(name, (...args: unknown[]) =>
      seen.push([name, ...args.slice(0, -1), picture(args.at(-1) as State)]),
    );
  }
  const note = async (operation: Promise<unknown>) => {
    seen.push(
      await operation.then(
        () => "done",
        (error: { code: string }) => error.code,
      ),
    );
    await settle();
  };
  const [self, screen] = [
    (config: SubscriptionConfig) => room.addSubscription(alice, "self", config),
    (config: SubscriptionConfig) => room.addSubscription(bob, "presentation", config),
  ];
  await note(room.connect());
  await note(self(both));
  await note(room.updateSubscription(alice, "self", pictureOnly));
  await note(self(soundOnly));
  await note(screen(pictureOnly));
  await note(Promise.all([room.removeSubscription(alice, "self"), self(both)]));
  await note(room.removeSubscription(bob, "presentation"));
  await note(room.removeSubscription(bob, "presentation"));
  await note(room.updateSubscription(bob, "self", both));
  server.notice({ type: "stream_unpublished", stream_id: aliceStream });
  server.notice({ type: "participant_left", participant_id: bob, reason: "left" });
  await note(self(both));
  return seen;
}

/** The state without ids that are drawn by lot, and without the lines of tracks. */
function picture({ status, streams, subscriptions }: State): unknown {
  return {
    status,
    streams: [...streams.values()].map(({ audioTrack, videoTrack, ...rest }) => ({
      ...rest,
      audioTrack: audioTrack?.kind,
      videoTrack: videoTrack?.kind,
    })),
    subscriptions: [...subscriptions].map(([id, keys]) => [id, [...keys.values()].map(withoutId)]),
  };
}

const withoutId = ({ audio, video, key }: SubscriptionConfig & { key: string }) => ({ audio, video, key });

it("applications see the same with and without a mix", async () => {
  const plain = await life(false);
  const { participants, streams } = server;
  startServer({ participants, streams });
  expect(plain.length).toBeGreaterThan(20);
  expect(await life(true)).toEqual(plain);
});
