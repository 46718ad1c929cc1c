import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Room } from "../src/index.js";
import { audioTrack, FakePeerConnection } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  connectedRoom,
  expectCode,
  FakeServer,
  installBrowser,
  openRoom,
  participant,
  removeBrowser,
  stream,
} from "./fakes/server.js";

let server: FakeServer;
let room: Room;
beforeEach(() => {
  installBrowser();
  server = new FakeServer();
  server.hello = { quality_interval_secs: 10 };
  server.participants = [participant(alice)];
  server.streams = [stream(aliceStream, alice)];
});
afterEach(removeBrowser);

const reports = () =>
  server.received.filter(({ type }) => type === "report_quality").map(({ id, ...rest }) => rest);

/** What the connection has sent and received after so many seconds, by the mids of two lines. */
const pass = (seconds: number, sending: string | null, receiving: string | null) => {
  server.peer.stats = [
    { id: "T", type: "transport", selectedCandidatePairId: "P" },
    {
      id: "P",
      type: "candidate-pair",
      localCandidateId: "L",
      currentRoundTripTime: 0.03456,
      availableOutgoingBitrate: 300_000.7,
    },
    { id: "L", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
    {
      id: "O",
      type: "outbound-rtp",
      mid: sending,
      rid: "h",
      remoteId: "R",
      bytesSent: 1100 * seconds,
      retransmittedBytesSent: 100 * seconds,
      packetsSent: 11 * seconds,
      retransmittedPacketsSent: seconds,
      qualityLimitationReason: "cpu",
      framesEncoded: 30 * seconds,
      frameWidth: 640,
      frameHeight: 360,
    },
    { id: "R", type: "remote-inbound-rtp", packetsLost: 2 * seconds, jitter: 0.004, roundTripTime: 0.05 },
    {
      id: "I",
      type: "inbound-rtp",
      mid: receiving,
      bytesReceived: 2000 * seconds,
      packetsReceived: 20 * seconds,
      packetsLost: -seconds,
      jitter: 0.01,
      freezeCount: seconds,
      totalFreezesDuration: 0.1 * seconds,
      concealedSamples: 4800 * seconds,
      silentConcealedSamples: 480 * seconds,
    },
    { id: "X", type: "inbound-rtp", mid: "of nobody", packetsReceived: 20 * seconds },
  ] as never;
};

const lines = () => {
  const find = (kind: string, direction: string) =>
    server.peer.transceivers.find((known) => known.kind === kind && known.direction === direction)?.mid ??
    null;
  return [find("audio", "sendonly"), find("video", "recvonly")] as const;
};

describe("quality", () => {
  it("is reported for each interval, as what happened in it", async () => {
    room = await connectedRoom();
    await room.addStream("mic", { audio: audioTrack() });
    await room.addSubscription(alice, "self", { audio: true, video: true });
    pass(10, ...lines());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports()).toEqual([]);
    pass(20, ...lines());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports()).toEqual([
      {
        type: "report_quality",
        interval_ms: 10_000,
        path: "relay_tls",
        round_trip_ms: 34.6,
        available_bps: 300_001,
        tracks: [
          {
            stream_id: room.getLocalStreams().mic?.id,
            kind: "audio",
            rid: "h",
            limited_by: "cpu",
            bytes: 10_000,
            packets: 100,
            repaired: 10,
            lost: 20,
            frames: 300,
            width: 640,
            height: 360,
            jitter_ms: 4,
            round_trip_ms: 50,
          },
          {
            stream_id: aliceStream,
            kind: "video",
            bytes: 20_000,
            packets: 200,
            freezes: 10,
            frozen_ms: 1_000,
            concealed_ms: 900,
            jitter_ms: 10,
          },
        ],
      },
    ]);
  });

  it("leaves out tracks over which nothing went, and does not mind refusals", async () => {
    server.refuses.set("report_quality", { code: "invalid_state", message: "too soon" });
    room = await connectedRoom();
    const errors = vi.fn();
    room.on("error", errors);
    await room.addSubscription(alice, "self", { audio: true, video: true });
    pass(10, null, lines()[1]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(reports()).toHaveLength(2);
    expect(reports()[1]).toMatchObject({ tracks: [] });
    expect(errors).not.toHaveBeenCalled();
  });

  it("is not reported while the page is hidden, nor of the time before", async () => {
    room = await connectedRoom();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reports()).toHaveLength(1);
    Object.assign(document, { hidden: true });
    await vi.advanceTimersByTimeAsync(60_000);
    Object.assign(document, { hidden: false });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports()).toHaveLength(2);
    expect(reports()[1]).toMatchObject({ interval_ms: 10_000 });
  });

  it("is not compared with that of another connection", async () => {
    room = await connectedRoom({ reconnect: true });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reports()).toHaveLength(1);
    server.resumes = null;
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(FakePeerConnection.all).toHaveLength(2);
    expect(reports()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reports()).toHaveLength(2);
  });

  it("is not reported to a server that does not ask, nor against the application's will", async () => {
    server.hello = {};
    room = await connectedRoom();
    await vi.advanceTimersByTimeAsync(60_000);
    await room.disconnect();
    server.hello = { quality_interval_secs: 10 };
    room = await connectedRoom({ reportQuality: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reports()).toEqual([]);
    await expectCode(openRoom({ reportQuality: "yes" as never }), "invalid_argument");
  });

  it("ends with the room", async () => {
    room = await connectedRoom();
    await vi.advanceTimersByTimeAsync(20_000);
    await room.disconnect();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reports()).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
