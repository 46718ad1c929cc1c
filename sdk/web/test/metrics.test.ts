import { beforeEach, describe, expect, it, vi } from "vitest";
import type { NetworkMetrics, Room } from "../src/index.js";
import { byBitrate, byRoundTrips, qualityBetween, type Sample, sampleOf } from "../src/metrics.js";
import { audioTrack, FakePeerConnection, FakeReceiver, FakeSender } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  bob,
  connectedRoom,
  expectCode,
  participant,
  server,
  stream,
  withServer,
} from "./fakes/server.js";

describe("the scale", () => {
  it.each([
    ["video", 400, 5],
    ["video", 399, 4],
    ["video", 200, 4],
    ["video", 100, 3],
    ["video", 50, 2],
    ["video", 10, 1],
    ["video", 9.9, 0],
    ["audio", 30, 5],
    ["audio", 15, 4],
    ["audio", 10, 3],
    ["audio", 5, 2],
    ["audio", 0.1, 1],
    ["audio", 0, 0],
  ] as const)("%s at %d kbit/s is %i", (kind, rate, level) => {
    expect(byBitrate(kind, rate)).toBe(level);
  });

  const start: Sample = { at: 0, bytes: 0, packets: 0, lost: 0, jitter: 0, roundTrip: 0, limited: false };
  // 80 kbit/s of video in 5 s: few bits.
  const still: Sample = { ...start, at: 5_000, bytes: 50_000, packets: 100 };

  it.each<[string, Partial<Sample>, number]>([
    ["few bits over a good path", {}, 5],
    ["nothing at all", { bytes: 0 }, 5],
    ["few bits because the path takes no more", { limited: true }, 2],
    ["3 % loss", { bytes: 500_000, lost: 3 }, 4],
    ["7 % loss", { bytes: 500_000, lost: 7 }, 3],
    ["30 % loss", { bytes: 500_000, lost: 43 }, 1],
    ["3 % loss and few bits", { lost: 3 }, 2],
    ["jitter of 120 ms", { bytes: 500_000, jitter: 0.12 }, 2],
    ["a round trip of 400 ms", { bytes: 500_000, roundTrip: 0.4 }, 3],
    ["fewer lost than before", { bytes: 500_000, lost: -5 }, 5],
  ])("%s", (_, fields, level) => {
    expect(qualityBetween("video", start, { ...still, ...fields })).toBe(level);
  });

  it.each([
    [[], 5],
    [[20, 30, 25, 20, 40], 5],
    [[20, 90, 20, 100, 20], 4],
    [[20, 150, 20, 150, 20], 3],
    [[20, 20, 20, 20, Number.POSITIVE_INFINITY], 3],
    [[20, 300, 20, 300, 20], 2],
    [[20, Number.POSITIVE_INFINITY, 20, Number.POSITIVE_INFINITY, 20], 1],
    [[600, 600, 600, 600, 600], 1],
    [[Number.POSITIVE_INFINITY], 1],
  ])("round trips %j are %i", (roundTrips, level) => {
    expect(byRoundTrips(roundTrips)).toBe(level);
  });

  it("sums up the layers a sender sends", () => {
    const report = [
      {
        id: "1",
        type: "outbound-rtp",
        timestamp: 7,
        bytesSent: 10,
        packetsSent: 1,
        qualityLimitationReason: "none",
      },
      {
        id: "2",
        type: "outbound-rtp",
        timestamp: 7,
        bytesSent: 20,
        packetsSent: 2,
        qualityLimitationReason: "bandwidth",
      },
      { id: "3", type: "remote-inbound-rtp", timestamp: 6, packetsLost: 3, jitter: 0.1 },
      { id: "4", type: "candidate-pair", timestamp: 7, currentRoundTripTime: 0.2 },
      { id: "5", type: "codec", timestamp: 9 },
    ];
    expect(sampleOf(report as never)).toEqual({
      at: 7,
      bytes: 30,
      packets: 3,
      lost: 3,
      jitter: 0.1,
      roundTrip: 0.2,
      limited: true,
    });
  });
});

describe("reports", () => {
  let room: Room;
  let reports: NetworkMetrics[];
  withServer({ participants: [participant(alice), participant(bob)], streams: [stream(aliceStream, alice)] });
  beforeEach(async () => {
    room = await connectedRoom();
    reports = [];
    room.on("network_metrics_report", (...args) => {
      expect(args).toHaveLength(1);
      reports.push(args[0]);
    });
  });

  const me = () => room.getState().localParticipantId;
  /** What the video receiver of alice's stream has received until now, bad enough for level 3. */
  const receive = (seconds: number) => {
    const line = server.peer.transceivers.find(
      (known) => known.direction === "recvonly" && known.kind === "video",
    );
    server.peer.stats = [
      {
        id: "V",
        type: "inbound-rtp",
        mid: line?.mid,
        timestamp: seconds * 1_000,
        bytesReceived: seconds * 100_000,
        packetsReceived: seconds * 93,
        packetsLost: seconds * 7,
        jitter: 0,
      },
    ];
  };

  it("come at once, all 5, then every 5 s until disabled", async () => {
    await room.enableNetworkMetricsReport([me(), alice, "nobody"]);
    expect(reports).toEqual([{ [me()]: { connectionQuality: 5 }, [alice]: { connectionQuality: 5 } }]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports).toHaveLength(3);
    await room.disableNetworkMetricsReport([me()]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(Object.keys(reports[3] ?? {})).toEqual([alice]);
    await room.disableNetworkMetricsReport();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reports).toHaveLength(4);
  });

  it("replace the list when enabled again, and are not stopped by someone who is not subscribed", async () => {
    await room.enableNetworkMetricsReport([me()]);
    await room.enableNetworkMetricsReport([alice, bob]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(reports.at(-1)).toEqual({ [alice]: { connectionQuality: 5 }, [bob]: { connectionQuality: 5 } });
    expect(reports).toHaveLength(3);
  });

  it("tell how a stream is received, per key and kind if asked to", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: true });
    receive(1);
    await room.enableNetworkMetricsReport([alice], { includeStreams: true });
    await vi.advanceTimersByTimeAsync(1);
    receive(6);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(reports.at(-1)).toEqual({
      [alice]: {
        connectionQuality: 3,
        streams: {
          self: {
            audio: { direction: "receiving", quality: 5 },
            video: { direction: "receiving", quality: 3 },
          },
        },
      },
    });
  });

  it("tell how a stream is sent, and take this participant's level from the round trips", async () => {
    await room.addStream("mic", { audio: audioTrack() });
    await room.enableNetworkMetricsReport([me()], { includeStreams: true });
    await vi.advanceTimersByTimeAsync(5_000);
    const sending = { direction: "sending", quality: 5 };
    expect(reports.at(-1)).toEqual({
      [me()]: { connectionQuality: 5, streams: { mic: { audio: sending, video: sending } } },
    });
  });

  it("look once at the statistics of everything, together with who else looks at them", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: true });
    await room.addStream("mic", { audio: audioTrack() });
    const looks = vi.spyOn(FakePeerConnection.prototype, "getStats");
    const single = [FakeSender, FakeReceiver].map((line) => vi.spyOn(line.prototype, "getStats"));
    await room.enableNetworkMetricsReport([me(), alice, bob]);
    await vi.advanceTimersByTimeAsync(1);
    looks.mockClear();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(reports).toHaveLength(2);
    // Loss is looked at every second.
    expect(looks).toHaveBeenCalledTimes(5);
    for (const look of single) expect(look).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it("reject what is no list", async () => {
    await expectCode(room.enableNetworkMetricsReport(alice as never), "invalid_argument");
    await expectCode(room.disableNetworkMetricsReport([7] as never), "invalid_argument");
  });
});
