import { describe, expect, it, vi } from "vitest";
import type { Room, Stream } from "../src/index.js";
import { audioTrack, type FakeTrack, type FakeTransceiver, videoTrack } from "./fakes/media.js";
import { connectedRoom, expectCode, openRoom, server, settle, stream, withServer } from "./fakes/server.js";

withServer();

const sending = () => server.peer.transceivers.filter((line) => line.direction === "sendonly");
const line = (kind: string, index = 0) =>
  sending().filter((candidate) => candidate.kind === kind)[index] as FakeTransceiver;
const me = (room: Room) => room.getState().localParticipantId;
const mine = (room: Room, key = "self") => room.getLocalStreams()[key];

/** Everything a room tells, as text. */
function record(room: Room): string[] {
  const told: string[] = [];
  room.on("stream_published", (_, key, state) => told.push(`published ${key} ${state.streams.size}`));
  room.on("stream_unpublished", (_, key, state) => told.push(`unpublished ${key} ${state.streams.size}`));
  room.on("track_enabled", (_, key, kind) => told.push(`enabled ${key} ${kind}`));
  room.on("track_disabled", (_, key, kind) => told.push(`disabled ${key} ${kind}`));
  room.on("track_censored", (_, key, kind) => told.push(`censored ${key} ${kind}`));
  return told;
}

describe("addStream", () => {
  it("negotiates a line for each kind and publishes them", async () => {
    const room = await connectedRoom();
    const told = record(room);
    const audio = audioTrack();
    const video = videoTrack();
    video.enabled = false;
    await room.addStream("self", { audio, video });
    const [publish] = server.socket.requests("publish");
    expect(publish).toMatchObject({
      key: "self",
      audio: { mid: line("audio").mid, enabled: true },
      video: { mid: line("video").mid, enabled: false },
      sdp: expect.stringContaining("offer"),
    });
    expect(line("audio").sender.track).toBe(audio);
    expect(line("video").sender.track).toBe(video);
    expect(mine(room)).toMatchObject({
      key: "self",
      participantId: me(room),
      origin: "local",
      isAudioEnabled: true,
      isVideoEnabled: false,
      audioTrack: audio,
      videoTrack: video,
      isConfigured: true,
    });
    expect(room.getLocalParticipant().streams).toEqual({ self: mine(room)?.id });
    expect(told).toEqual(["published self 1"]);
  });

  it("opens both lines when a kind is missing", async () => {
    const room = await connectedRoom();
    await room.addStream("self");
    expect(server.socket.requests("publish")[0]).toMatchObject({
      audio: { enabled: false },
      video: { enabled: false },
    });
    expect(sending().map((candidate) => candidate.sender.track)).toEqual([null, null]);
    expect(mine(room)).toMatchObject({ isAudioEnabled: false, isVideoEnabled: false, isConfigured: true });
  });

  it("goes out with the request to join when called right after connect", async () => {
    const room = await openRoom();
    server.holds.add("join");
    const connecting = room.connect();
    const adding = room.addStream("self", { audio: audioTrack() });
    const told = record(room);
    await settle();
    expect(server.socket.sent.map((frame) => frame.type).slice(0, 3)).toEqual(["hello", "join", "publish"]);
    connecting.catch(() => {});
    adding.catch(() => {});
    await room.disconnect();
    expect(told).toEqual([]);
  });

  it("rejects before connect", async () => {
    const room = await openRoom();
    await expectCode(room.addStream("self"), "invalid_state");
  });

  it("rejects the second of two at once under one key", async () => {
    const room = await connectedRoom();
    const first = room.addStream("self", { audio: audioTrack() });
    await expectCode(room.addStream("self"), "key_in_use");
    await first;
    await expectCode(room.addStream("self"), "key_in_use");
    await room.addStream("presentation");
    expect(Object.keys(room.getLocalStreams())).toEqual(["self", "presentation"]);
  });

  it.each([
    ["an empty key", "", {}],
    ["a video track as audio", "self", { audio: videoTrack() }],
    ["something that is no track", "self", { video: { track: 7 } }],
    ["a bitrate of nothing", "self", { video: { options: { maxBitrate: 0 } } }],
    ["an unknown codec", "self", { video: { options: { codec: "vp6" } } }],
  ])("rejects %s", async (_, key, tracks) => {
    const room = await connectedRoom();
    await expectCode(room.addStream(key, tracks as never), "invalid_argument");
    expect(sending()).toEqual([]);
    await room.addStream("self");
  });

  it.each([
    ["key_in_use", "key_in_use"],
    ["forbidden", "forbidden"],
    ["media_failed", "media_failed"],
    ["too_many", "too_many_streams"],
  ])("is rolled back when the server says %s", async (refused, code) => {
    const room = await connectedRoom();
    const told = record(room);
    server.refuses.set("publish", { code: refused, message: "no" });
    await expectCode(room.addStream("self", { audio: audioTrack() }), code);
    expect(server.peer.signalingState).toBe("stable");
    expect(sending()).toEqual([]);
    expect(room.getState().streams.size).toBe(0);
    server.refuses.clear();
    await room.addStream("self", { audio: audioTrack() });
    expect(told).toEqual(["published self 1"]);
  });

  it("ends the room when an offer gets no answer in time", async () => {
    const room = await connectedRoom();
    const reasons: string[] = [];
    room.on("disconnected", (reason) => reasons.push(reason));
    server.holds.add("publish");
    const rejected = expectCode(room.addStream("self"), "timed_out");
    await vi.advanceTimersByTimeAsync(15_000);
    await rejected;
    expect(reasons).toEqual(["timed_out"]);
  });

  it("makes one offer at a time", async () => {
    const room = await connectedRoom();
    await Promise.all([room.addStream("a"), room.addStream("b"), room.addStream("c")]);
    expect(Object.keys(room.getLocalStreams())).toEqual(["a", "b", "c"]);
    expect(new Set(sending().map((candidate) => candidate.mid)).size).toBe(6);
  });
});

describe("lines outlive streams", () => {
  it("publishes over idle lines of the same shape without an offer", async () => {
    const room = await connectedRoom();
    await room.addStream("a", { audio: audioTrack(), video: videoTrack() });
    await room.removeStream("a");
    expect(sending().map((candidate) => candidate.sender.track)).toEqual([null, null]);
    const video = videoTrack({ width: 640, height: 360 });
    await room.addStream("b", { video });
    expect(sending()).toHaveLength(2);
    const [, second] = server.socket.requests("publish");
    expect(second).not.toHaveProperty("sdp");
    expect(second).toMatchObject({
      key: "b",
      audio: { mid: line("audio").mid },
      video: { mid: line("video").mid },
    });
    expect(line("video").sender).toMatchObject({ track: video, encodings: [{ maxBitrate: 600_000 }] });
    expect(mine(room, "b")?.isConfigured).toBe(true);
  });

  it("opens another line for another shape, and keeps the one that fits", async () => {
    const room = await connectedRoom();
    await room.addStream("a", { video: videoTrack() });
    await room.removeStream("a");
    await room.addStream("b", { video: { track: videoTrack(), options: { enableSimulcast: true } } });
    expect(sending().map((candidate) => candidate.kind)).toEqual(["audio", "video", "video"]);
    expect(server.socket.requests("publish")[1]).toHaveProperty("sdp");
  });

  it("gives idle lines back when the server refuses", async () => {
    const room = await connectedRoom();
    await room.addStream("a", { audio: audioTrack() });
    await room.removeStream("a");
    server.refuses.set("publish", { code: "forbidden", message: "no" });
    await expectCode(room.addStream("b", { audio: audioTrack() }), "forbidden");
    expect(line("audio").sender.track).toBeNull();
    server.refuses.clear();
    await room.addStream("c");
    expect(sending()).toHaveLength(2);
  });
});

describe("updateStream", () => {
  it("replaces the whole set, tells the server the flags that changed, and emits events", async () => {
    const room = await connectedRoom();
    const audio = audioTrack();
    await room.addStream("self", { audio });
    const told = record(room);
    const video = videoTrack();
    await room.updateStream("self", { video });
    expect(server.socket.requests("update_stream")).toMatchObject([
      { stream_id: mine(room)?.id, audio: { enabled: false }, video: { enabled: true } },
    ]);
    expect(line("audio").sender.track).toBeNull();
    expect(line("video").sender.track).toBe(video);
    expect(mine(room)).toMatchObject({ isAudioEnabled: false, isVideoEnabled: true, videoTrack: video });
    expect(mine(room)?.audioTrack).toBeUndefined();
    expect(told).toEqual(["disabled self audio", "enabled self video"]);
  });

  it("announces a changed enabled flag of the same track", async () => {
    const room = await connectedRoom();
    const audio = audioTrack();
    await room.addStream("self", { audio });
    const told = record(room);
    audio.enabled = false;
    await room.updateStream("self", { audio });
    expect(server.socket.requests("update_stream")).toMatchObject([{ audio: { enabled: false } }]);
    expect(told).toEqual(["disabled self audio"]);
  });

  it("replaces a track without a request", async () => {
    const room = await connectedRoom();
    await room.addStream("self", { audio: audioTrack() });
    const told = record(room);
    const other = audioTrack();
    await room.updateStream("self", { audio: other });
    expect(line("audio").sender.track).toBe(other);
    expect(mine(room)?.audioTrack).toBe(other);
    expect(server.socket.requests("update_stream")).toEqual([]);
    expect(told).toEqual([]);
  });

  it("is rolled back when the server refuses or the browser cannot", async () => {
    const room = await connectedRoom();
    const audio = audioTrack();
    await room.addStream("self", { audio });
    server.refuses.set("update_stream", { code: "internal", message: "no" });
    await expectCode(room.updateStream("self", {}), "unavailable");
    expect(line("audio").sender.track).toBe(audio);
    expect(mine(room)).toMatchObject({ isAudioEnabled: true, audioTrack: audio });
    await expectCode(
      room.updateStream("self", { audio, video: videoTrack({ unsendable: true }) }),
      "media_failed",
    );
    expect(mine(room)?.videoTrack).toBeUndefined();
  });

  it("happens in the order of the calls, after the stream was added", async () => {
    const room = await connectedRoom();
    const first = audioTrack();
    const last = audioTrack();
    const calls = [
      room.addStream("self"),
      room.updateStream("self", { audio: first }),
      room.updateStream("self", { audio: last }),
      room.removeStream("self"),
    ];
    await Promise.all(calls);
    await expectCode(room.updateStream("self"), "stream_not_found");
    expect(room.getState().streams.size).toBe(0);
  });

  it("rejects an unknown key", async () => {
    const room = await connectedRoom();
    await expectCode(room.updateStream("self"), "stream_not_found");
  });
});

describe("removeStream", () => {
  it("withdraws the stream, and never stops tracks", async () => {
    const room = await connectedRoom();
    const audio = audioTrack();
    await room.addStream("self", { audio });
    const id = mine(room)?.id;
    const told = record(room);
    await room.removeStream("self");
    expect(server.socket.requests("unpublish")).toMatchObject([{ stream_id: id }]);
    expect(told).toEqual(["unpublished self 0"]);
    expect(room.getLocalParticipant().streams).toEqual({});
    expect((audio as unknown as FakeTrack).stopped).toBe(false);
  });

  it("rejects an unknown key, and the second of two at once", async () => {
    const room = await connectedRoom();
    await expectCode(room.removeStream("self"), "stream_not_found");
    await room.addStream("self");
    const first = room.removeStream("self");
    await expectCode(room.removeStream("self"), "stream_not_found");
    await first;
  });

  it("copes with a server that withdraws it first", async () => {
    const room = await connectedRoom();
    await room.addStream("self");
    const told = record(room);
    server.notice({ type: "stream_unpublished", stream_id: mine(room)?.id as string });
    expect(told).toEqual(["unpublished self 0"]);
    await room.addStream("self");
    expect(sending()).toHaveLength(2);
  });
});

it("shows what a moderator did to a local stream", async () => {
  const room = await connectedRoom();
  await room.addStream("self", { audio: audioTrack() });
  const told = record(room);
  const id = mine(room)?.id as string;
  server.notice({
    type: "stream_updated",
    stream: stream(id, me(room), { audio: { enabled: true, censored: true } }),
  });
  expect(told).toEqual(["censored self audio"]);
  expect(mine(room)).toMatchObject({ isAudioCensored: true, isAudioEnabled: true, isVideoEnabled: false });
});

it("tells of a stream that a moderator had muted before it was there", async () => {
  const room = await connectedRoom();
  const told = record(room);
  server.muted = true;
  await room.addStream("self", { audio: audioTrack() });
  expect(told).toEqual(["published self 1", "censored self audio"]);
  expect(mine(room)).toMatchObject({ isAudioCensored: true, isAudioEnabled: true, isConfigured: true });
});

describe("how video is sent", () => {
  const publishVideo = async (settings: Record<string, unknown>, options = {}) => {
    const room = await connectedRoom();
    const track = videoTrack(settings);
    await room.addStream("self", { video: { track, options } });
    return { room, track, encodings: line("video").sender.encodings };
  };

  it.each([
    [
      1280,
      720,
      [
        ["l", 4, 150_000],
        ["m", 2, 600_000],
        ["h", 1, 2_500_000],
      ],
    ],
    [
      960,
      540,
      [
        ["l", 4],
        ["m", 2],
        ["h", 1, 1_200_000],
      ],
    ],
    [
      720,
      1280,
      [
        ["l", 4],
        ["m", 2],
        ["h", 1, 2_500_000],
      ],
    ],
    [
      640,
      360,
      [
        ["m", 2, 150_000],
        ["h", 1, 600_000],
      ],
    ],
    [
      480,
      270,
      [
        ["m", 2],
        ["h", 1],
      ],
    ],
  ])("simulcast of %i x %i", async (width, height, layers) => {
    const { encodings } = await publishVideo({ width, height }, { enableSimulcast: true });
    expect(encodings).toMatchObject(
      layers.map(([rid, scaleResolutionDownBy, maxBitrate]) => ({
        rid,
        scaleResolutionDownBy,
        active: true,
        ...(maxBitrate !== undefined && { maxBitrate }),
      })),
    );
  });

  it.each([
    [320, 180, { enableSimulcast: true }, 150_000],
    [1280, 720, {}, 2_500_000],
    [1280, 720, { maxBitrate: 1_000_000 }, 1_000_000],
    [1920, 1080, {}, 4_500_000],
  ])("one encoding of %i x %i with %o", async (width, height, options, maxBitrate) => {
    const { encodings } = await publishVideo({ width, height }, options);
    expect(encodings).toEqual([{ active: true, maxBitrate }]);
  });

  it("limits the largest layer", async () => {
    const { encodings } = await publishVideo(
      { width: 1280, height: 720 },
      { enableSimulcast: true, maxBitrate: 300_000 },
    );
    expect(encodings.map((encoding) => encoding.maxBitrate)).toEqual([150_000, 300_000, 300_000]);
  });

  it("switches off the layers that a smaller picture cannot feed", async () => {
    const { room } = await publishVideo({ width: 1280, height: 720 }, { enableSimulcast: true });
    await room.updateStream("self", { video: videoTrack({ width: 640, height: 360 }) });
    expect(line("video").sender.encodings).toMatchObject([
      { rid: "l", active: false },
      { rid: "m", active: true, maxBitrate: 150_000 },
      { rid: "h", active: true, maxBitrate: 600_000 },
    ]);
  });

  it.each([
    [{ width: 1920, height: 1080, displaySurface: "monitor" }, {}, "detail"],
    [{ width: 1920, height: 1080, displaySurface: "monitor" }, { contentHint: "motion" }, "motion"],
    [{ width: 1280, height: 720 }, {}, ""],
  ])("content hint of %o with %o", async (settings, options, contentHint) => {
    const { track } = await publishVideo(settings, options);
    expect(track.contentHint).toBe(contentHint);
  });

  it("prefers a codec, or what comes next", async () => {
    await publishVideo({}, { codec: "h264" });
    expect(line("video").codecs.map((codec) => codec.mimeType)).toEqual([
      "video/H264",
      "video/VP8",
      "video/rtx",
    ]);
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs: [{ mimeType: "video/VP8" }] }) });
    await publishVideo({}, { codec: "av1", enableSimulcast: true });
    expect(line("video").codecs.map((codec) => codec.mimeType)).toEqual(["video/VP8"]);
    expect(line("video").sender.encodings).toHaveLength(3);
  });

  it("sends only the sizes somebody takes, again and again", async () => {
    const { room } = await publishVideo({ width: 1280, height: 720 }, { enableSimulcast: true });
    const [{ id }] = Object.values(room.getLocalStreams()) as [Stream];
    const active = () => line("video").sender.encodings.map((encoding) => encoding.active);
    for (const [layers, wanted] of [
      [1, [true, false, false]],
      [0, [false, false, false]],
      [2, [true, true, false]],
      [3, [true, true, true]],
    ] as const) {
      server.notice({ type: "layers_wanted", stream_id: id, layers });
      await settle();
      expect(active()).toEqual(wanted);
    }
    server.notice({ type: "layers_wanted", stream_id: crypto.randomUUID(), layers: 0 });
    await settle();
    expect(active()).toEqual([true, true, true]);
    server.notice({ type: "layers_wanted", stream_id: id, layers: 1 });
    await room.updateStream("self", { video: videoTrack({ width: 1280, height: 720 }) });
    expect(active()).toEqual([true, false, false]);
    await room.removeStream("self");
    await room.addStream("self", {
      video: { track: videoTrack({ width: 1280, height: 720 }), options: { enableSimulcast: true } },
    });
    expect(active()).toEqual([true, true, true]);
  });

  it("sends the layers of VP9 somebody takes, in the sizes they had", async () => {
    const codecs = [{ mimeType: "video/VP8" }, { mimeType: "video/VP9" }];
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs }) });
    const { room } = await publishVideo(
      { width: 1280, height: 720 },
      { enableSimulcast: true, codec: "vp9" },
    );
    const [{ id }] = Object.values(room.getLocalStreams()) as [Stream];
    for (const [layers, encoding] of [
      [2, { active: true, maxBitrate: 600_000, scaleResolutionDownBy: 2, scalabilityMode: "L2T3_KEY" }],
      [1, { active: true, maxBitrate: 150_000, scaleResolutionDownBy: 4, scalabilityMode: "L1T3" }],
      [0, { active: false }],
      [3, { active: true, maxBitrate: 2_500_000, scaleResolutionDownBy: 1, scalabilityMode: "L3T3_KEY" }],
    ] as const) {
      server.notice({ type: "layers_wanted", stream_id: id, layers });
      await settle();
      expect(line("video").sender.encodings).toMatchObject([encoding]);
    }
  });

  it.each([
    [{ width: 1280, height: 720 }, { enableSimulcast: true }, "L3T3_KEY", 2_500_000],
    [{ width: 640, height: 360 }, { enableSimulcast: true, maxBitrate: 300_000 }, "L2T3_KEY", 300_000],
    [{ width: 1280, height: 720 }, {}, "L1T3", 2_500_000],
  ])("sends VP9 of %o with %o as layers of one stream", async (settings, options, mode, rate) => {
    const codecs = [{ mimeType: "video/VP8" }, { mimeType: "video/VP9" }];
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs }) });
    await publishVideo(settings, { ...options, codec: "vp9" });
    expect(line("video").sender.encodings).toEqual([
      { active: true, maxBitrate: rate, scaleResolutionDownBy: 1, scalabilityMode: mode },
    ]);
  });
});

describe("audio options", () => {
  it("sends with RED and as the browser likes unless told otherwise", async () => {
    const room = await connectedRoom();
    await room.addStream("self", { audio: audioTrack() });
    expect(line("audio").codecs).toEqual([]);
    expect(line("audio").sender.encodings).toEqual([{}]);
  });

  it("leaves out RED, and limits the bits", async () => {
    const room = await connectedRoom();
    const track = audioTrack();
    await room.addStream("self", { audio: { track, options: { red: false, maxBitrate: 24_000 } } });
    expect(line("audio").codecs.map(({ mimeType }) => mimeType)).toEqual(["audio/opus", "audio/PCMU"]);
    expect(line("audio").sender.encodings).toEqual([{ maxBitrate: 24_000 }]);
    expect(mine(room)?.audioTrack).toBe(track);
    await room.updateStream("self", { audio: { track, options: { maxBitrate: 48_000 } } });
    expect(line("audio").sender.encodings).toEqual([{ maxBitrate: 48_000 }]);
  });

  it("gives a line only to streams that send like the one before", async () => {
    const room = await connectedRoom();
    const lines = () => sending().filter(({ kind }) => kind === "audio");
    await room.addStream("self", { audio: audioTrack() });
    await room.removeStream("self");
    await room.addStream("music", { audio: { track: audioTrack(), options: { dtx: false, stereo: true } } });
    expect(lines()).toHaveLength(2);
    await room.addStream("self", { audio: audioTrack() });
    expect(lines()).toHaveLength(2);
  });

  it("refuses a bitrate that is none", async () => {
    const room = await connectedRoom();
    for (const maxBitrate of [0, -1, Number.NaN]) {
      const audio = { track: audioTrack(), options: { maxBitrate } };
      await expectCode(room.addStream("self", { audio }), "invalid_argument");
    }
  });
});
