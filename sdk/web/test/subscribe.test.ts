import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Room } from "../src/index.js";
import type { FakeReceiver, FakeTransceiver } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  bob,
  bobStream,
  connectedRoom,
  expectCode,
  participant,
  server,
  settle,
  stream,
  withServer,
} from "./fakes/server.js";

const both = { audio: true, video: true };
let room: Room;
let told: string[];
withServer({
  participants: [participant(alice), participant(bob)],
  streams: [stream(aliceStream, alice), stream(bobStream, bob)],
});
beforeEach(async () => {
  // What the mix adds to this is in a file of its own.
  room = await connectedRoom({ mixedAudio: false });
  told = [];
  for (const event of ["subscription_started", "subscription_reconfigured", "subscription_ended"] as const) {
    room.on(event, (id, key) => told.push(`${event} ${id === alice ? "alice" : "bob"} ${key}`));
  }
  room.on("stream_unpublished", () => told.push("stream_unpublished"));
  room.on("participant_leaving", () => told.push("participant_leaving"));
  room.on("participant_left", () => told.push("participant_left"));
});

const receiving = () => server.peer.transceivers.filter((line) => line.direction === "recvonly");
const subscription = (id = alice) => room.getState().subscriptions.get(id)?.get("self");

describe("addSubscription", () => {
  it("resolves after subscription_started, with both tracks in the state", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: false, quality: "low" });
    expect(server.socket.requests("subscribe")).toMatchObject([
      { stream_id: aliceStream, audio: true, video: false, quality: "low" },
    ]);
    expect(told).toEqual(["subscription_started alice self"]);
    const [audio, video] = receiving() as [FakeTransceiver, FakeTransceiver];
    expect(room.getParticipantStream(alice, "self")).toMatchObject({
      isConfigured: true,
      audioTrack: audio.receiver.track,
      videoTrack: video.receiver.track,
    });
    expect(subscription()).toMatchObject({ participantId: alice, key: "self", audio: true, video: false });
    expect(subscription()?.id).toEqual(expect.any(String));
  });

  it("offers the lines it needs along with the requests, once", async () => {
    const offers = server.socket.requests("offer").length;
    await Promise.all([room.addSubscription(alice, "self", both), room.addSubscription(bob, "self", both)]);
    expect(receiving()).toHaveLength(4);
    expect(server.socket.requests("offer").length).toBe(offers + 1);
    const tracks = [...room.getState().streams.values()].map((known) => known.audioTrack);
    expect(new Set(tracks).size).toBe(2);
  });

  it("offers no codec that servers do not forward, lest offers of full rooms be too large", async () => {
    await room.addSubscription(alice, "self", both);
    const names = (line: FakeTransceiver) => line.codecs.map((codec) => codec.mimeType);
    for (const line of receiving()) {
      const video = ["video/VP8", "video/rtx", "video/VP9", "video/H264"];
      expect(names(line)).toEqual(line.kind === "audio" ? ["audio/opus", "audio/red"] : video);
      expect(line.codecs.some((codec) => codec.sdpFmtpLine?.endsWith("packetization-mode=0"))).toBe(false);
    }
  });

  it("leaves the codecs to browsers that cannot tell them", async () => {
    vi.stubGlobal("RTCRtpReceiver", undefined);
    server.notice({ type: "lines_wanted", audio: 3, video: 3 });
    await settle();
    expect(receiving().slice(-1)[0]?.codecs).toEqual([]);
  });

  it("opens more lines when the server wants them", async () => {
    server.notice({ type: "lines_wanted", audio: 3, video: 2 });
    server.notice({ type: "lines_wanted", audio: 2, video: 2 });
    await settle();
    expect(
      receiving()
        .map((line) => line.kind)
        .sort(),
    ).toEqual(["audio", "audio", "audio", "video", "video"]);
  });

  it("takes the word on the lines before the answer to the offer", async () => {
    server.holds.add("offer");
    await room.addSubscription(alice, "self", both);
    const adding = room.addSubscription(bob, "self", both);
    await settle();
    const [, , audio, video] = receiving() as FakeTransceiver[];
    const lines = [
      { mid: audio?.mid as string, stream_id: bobStream, kind: "audio" as const },
      { mid: video?.mid as string, stream_id: bobStream, kind: "video" as const },
    ];
    server.notice({ type: "receive", lines });
    await adding;
    expect(room.getParticipantStream(bob, "self")?.audioTrack).toBe(audio?.receiver.track);
  });

  it("waits until both kinds are there", async () => {
    server.holds.add("subscribe");
    const adding = room.addSubscription(alice, "self", both);
    await settle();
    const [audio, video] = receiving().map((line) => line.mid as string) as [string, string];
    server.notice({ type: "receive", lines: [{ mid: audio, stream_id: aliceStream, kind: "audio" }] });
    server.socket.reply(server.socket.requests("subscribe")[0]?.id as number, {});
    await settle();
    expect(told).toEqual([]);
    server.notice({
      type: "receive",
      lines: [
        { mid: audio, stream_id: aliceStream, kind: "audio" },
        { mid: video, stream_id: aliceStream, kind: "video" },
      ],
    });
    await adding;
    expect(told).toEqual(["subscription_started alice self"]);
  });

  it("changes the subscription there is", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: false });
    const id = subscription()?.id;
    await room.addSubscription(alice, "self", both);
    expect(told).toEqual(["subscription_started alice self", "subscription_reconfigured alice self"]);
    expect(subscription()).toMatchObject({ id, video: true });
  });

  it("rejects what is not there, and wrong arguments", async () => {
    await expectCode(room.addSubscription("nobody", "self", both), "participant_not_found");
    await expectCode(room.addSubscription(alice, "other", both), "stream_not_found");
    await expectCode(room.addSubscription(alice, "self", { audio: true } as never), "invalid_argument");
    await expectCode(
      room.addSubscription(alice, "self", { ...both, quality: "best" } as never),
      "invalid_argument",
    );
    await expectCode(room.addSubscription(alice, "", both), "invalid_argument");
    await room.addStream("mine");
    await expectCode(
      room.addSubscription(room.getState().localParticipantId, "mine", both),
      "invalid_argument",
    );
    expect(server.socket.requests("subscribe")).toEqual([]);
  });

  it("rejects when the stream vanishes while the server is asked", async () => {
    server.holds.add("subscribe");
    const rejected = expectCode(room.addSubscription(alice, "self", both), "stream_gone");
    await settle();
    server.notice({ type: "stream_unpublished", stream_id: aliceStream });
    server.socket.refuse(server.socket.requests("subscribe")[0]?.id as number, {
      code: "stream_not_found",
      message: "",
    });
    await rejected;
    expect(room.getState().subscriptions.size).toBe(0);
  });

  it("rejects when the stream vanishes before its lines come", async () => {
    server.holds.add("subscribe");
    const rejected = expectCode(room.addSubscription(alice, "self", both), "stream_gone");
    await settle();
    server.socket.reply(server.socket.requests("subscribe")[0]?.id as number, {});
    await settle();
    server.notice({ type: "participant_left", participant_id: alice, reason: "left" });
    await rejected;
    expect(told).toEqual([
      "participant_leaving",
      "subscription_ended alice self",
      "stream_unpublished",
      "participant_left",
    ]);
  });

  it("rejects when the subscription is removed before it starts", async () => {
    server.holds.add("subscribe");
    const rejected = expectCode(room.addSubscription(alice, "self", both), "subscription_not_found");
    await settle();
    server.socket.reply(server.socket.requests("subscribe")[0]?.id as number, {});
    await settle();
    await room.removeSubscription(alice, "self");
    await rejected;
  });

  it("gives up and lets go when no lines come", async () => {
    server.holds.add("subscribe");
    const rejected = expectCode(room.addSubscription(alice, "self", both), "timed_out");
    await settle();
    server.socket.reply(server.socket.requests("subscribe")[0]?.id as number, {});
    await vi.advanceTimersByTimeAsync(15_000);
    await rejected;
    expect(server.socket.requests("unsubscribe")).toMatchObject([{ stream_id: aliceStream }]);
    expect(room.getState().subscriptions.size).toBe(0);
  });

  it("rejects with the cause when the lines cannot be opened", async () => {
    await room.addSubscription(alice, "self", both);
    const errors: string[] = [];
    room.on("error", (error) => errors.push(error.code));
    server.refuses.set("offer", { code: "media_failed", message: "too many lines" });
    await expectCode(room.addSubscription(bob, "self", both), "media_failed");
    expect(errors).toEqual(["media_failed"]);
    server.refuses.clear();
    await room.addSubscription(bob, "self", both);
    expect(receiving()).toHaveLength(4);
  });
});

describe("updateSubscription", () => {
  it("changes the kinds without negotiation, and says so", async () => {
    await room.addSubscription(alice, "self", both);
    const offers = server.socket.requests("offer").length;
    await room.updateSubscription(alice, "self", { audio: false, video: true, quality: "medium" });
    expect(server.socket.requests("update_subscription")).toMatchObject([
      { stream_id: aliceStream, audio: false, video: true, quality: "medium" },
    ]);
    expect(subscription()).toMatchObject({ audio: false, video: true });
    expect(told.at(-1)).toBe("subscription_reconfigured alice self");
    expect(server.socket.requests("offer").length).toBe(offers);
    expect(room.getParticipantStream(alice, "self")?.isConfigured).toBe(true);
  });

  it("rejects what is not there", async () => {
    await expectCode(room.updateSubscription("nobody", "self", both), "participant_not_found");
    await expectCode(room.updateSubscription(alice, "self", both), "subscription_not_found");
  });
});

describe("removeSubscription", () => {
  it("clears the stream, then says so; the lines are used again", async () => {
    await room.addSubscription(alice, "self", both);
    const track = room.getParticipantStream(alice, "self")?.audioTrack;
    room.on("subscription_ended", (id, key, state) => {
      const ended = [...state.streams.values()].find(
        (known) => known.participantId === id && known.key === key,
      );
      told.push(JSON.stringify([ended?.isConfigured, ended?.audioTrack ?? null, ended?.videoTrack ?? null]));
    });
    await room.removeSubscription(alice, "self");
    expect(told.slice(1)).toEqual(["subscription_ended alice self", "[false,null,null]"]);
    expect(room.getState().subscriptions.size).toBe(0);
    await room.addSubscription(bob, "self", both);
    expect(receiving()).toHaveLength(2);
    expect(room.getParticipantStream(bob, "self")?.audioTrack).toBe(track);
  });

  it("rejects what is not there", async () => {
    await expectCode(room.removeSubscription("nobody", "self"), "participant_not_found");
    await expectCode(room.removeSubscription(alice, "self"), "subscription_not_found");
  });

  it("can be taken again at once", async () => {
    await room.addSubscription(alice, "self", both);
    const removing = room.removeSubscription(alice, "self");
    await removing;
    await room.addSubscription(alice, "self", both);
    expect(told).toEqual([
      "subscription_started alice self",
      "subscription_ended alice self",
      "subscription_started alice self",
    ]);
  });
});

it("a leaving participant takes everything along, in order", async () => {
  await room.addSubscription(alice, "self", both);
  told.length = 0;
  server.notice({ type: "participant_left", participant_id: alice, reason: "left" });
  expect(told).toEqual([
    "participant_leaving",
    "subscription_ended alice self",
    "stream_unpublished",
    "participant_left",
  ]);
});

describe("reading", () => {
  it("gives streams by participant", () => {
    expect(room.getParticipantStream(alice, "self")?.id).toBe(aliceStream);
    expect(room.getParticipantStream(alice, "other")).toBeUndefined();
    expect([...room.getParticipantStreams(alice)]).toMatchObject([["self", { id: aliceStream }]]);
    expect(() => room.getParticipantStream("nobody", "self")).toThrow(/no participant/);
    expect(() => room.getParticipantStreams("nobody")).toThrow(/no participant/);
    expect(room.getLocalStreams()).toEqual({});
  });
});

describe("statistics", () => {
  it("gives those of receivers for what is subscribed", async () => {
    expect(await room.getWebRTCStatsForStream(alice, "self")).toEqual({ senders: {}, receivers: {} });
    await room.addSubscription(alice, "self", both);
    const [audio] = receiving().map((line) => line.receiver) as [FakeReceiver];
    audio.stats = [{ id: "IT1", type: "inbound-rtp", bytesReceived: 5 }];
    expect(await room.getWebRTCStatsForStream(alice, "self")).toEqual({
      senders: {},
      receivers: { audio: { IT1: audio.stats[0] }, video: {} },
    });
  });

  it("gives those of senders for what is local", async () => {
    await room.addStream("self");
    const stats = await room.getWebRTCStatsForStream(room.getState().localParticipantId, "self");
    expect(stats).toEqual({ senders: { audio: {}, video: {} }, receivers: {} });
  });

  it("rejects what is not there", async () => {
    await expectCode(
      room.getWebRTCStatsForStream(room.getState().localParticipantId, "self"),
      "stream_not_found",
    );
    await expectCode(room.getWebRTCStatsForStream("nobody", "self"), "participant_not_found");
  });
});
