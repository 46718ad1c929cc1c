import type { QualityReportFrame, ReportedTrackFrame } from "./signal/frames.js";
import type { TrackKind } from "./state.js";

/** Which track a media line carries. */
export interface CarriedTrack {
  streamId: string;
  kind: TrackKind;
}

/** Statistics of a media connection at one moment, and what its lines carry, by mid. */
export interface Measurement {
  /** Which connection: statistics of another have nothing to do with these. */
  connection: object;
  stats: RTCStatsReport;
  carried: ReadonlyMap<string, CarriedTrack>;
}

type Stats = Record<string, unknown> & { id: string; type: string };
type Counts = Partial<Record<keyof ReportedTrackFrame, number>>;

const number = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 0);
const words = ["bandwidth", "cpu", "other"] as const;

/** What happened between two measurements of one connection, `interval` milliseconds apart. */
export function reportBetween(before: Measurement, after: Measurement, interval: number): QualityReportFrame {
  const earlier = byId(before.stats);
  const all = byId(after.stats);
  const tracks: ReportedTrackFrame[] = [];
  for (const stats of all.values()) {
    const sends = stats.type === "outbound-rtp";
    const track = after.carried.get(String(stats.mid));
    if (!track || !(sends || stats.type === "inbound-rtp")) continue;
    const countsOf = (from: Map<string, Stats>): Counts => {
      const own = from.get(stats.id);
      if (!own) return {};
      return sends ? sent(own, from.get(String(own.remoteId))) : received(own);
    };
    const old = countsOf(earlier);
    const counts = Object.entries(countsOf(all)).map(([name, count]) => {
      return [name, Math.max(0, count - (old[name as keyof Counts] ?? 0))] as const;
    });
    const remote = sends ? all.get(String(stats.remoteId)) : stats;
    tracks.push(
      brief({
        stream_id: track.streamId,
        kind: track.kind,
        rid: typeof stats.rid === "string" ? stats.rid : "",
        limited_by: words.find((word) => word === stats.qualityLimitationReason) ?? "",
        ...Object.fromEntries(counts),
        width: number(stats.frameWidth),
        height: number(stats.frameHeight),
        jitter_ms: tenths(number(remote?.jitter) * 1000),
        round_trip_ms: tenths(number(remote?.roundTripTime) * 1000),
      }),
    );
  }
  return brief({ interval_ms: Math.round(interval), ...connection(all), tracks: tracks.filter(isAlive) });
}

const isAlive = ({ packets, lost }: ReportedTrackFrame) => packets !== undefined || lost !== undefined;

function sent(own: Stats, remote: Stats | undefined): Counts {
  return {
    bytes: number(own.bytesSent) - number(own.retransmittedBytesSent),
    packets: number(own.packetsSent) - number(own.retransmittedPacketsSent),
    repaired: number(own.retransmittedPacketsSent),
    lost: number(remote?.packetsLost),
    frames: number(own.framesEncoded),
  };
}

function received(own: Stats): Counts {
  return {
    bytes: number(own.bytesReceived) - number(own.retransmittedBytesReceived),
    packets: number(own.packetsReceived),
    repaired: number(own.retransmittedPacketsReceived),
    lost: number(own.packetsLost),
    frames: number(own.framesDecoded),
    freezes: number(own.freezeCount),
    frozen_ms: number(own.totalFreezesDuration) * 1000,
    // Silence that was made up while nobody spoke is no loss.
    concealed_ms: (number(own.concealedSamples) - number(own.silentConcealedSamples)) / 48,
  };
}

/** The path in use. */
function connection(all: Map<string, Stats>): Partial<QualityReportFrame> {
  const transport = [...all.values()].find((stats) => stats.type === "transport");
  // Firefox has no statistics of transports, and marks the pair.
  const pair =
    all.get(String(transport?.selectedCandidatePairId)) ??
    [...all.values()].find((stats) => stats.type === "candidate-pair" && stats.selected === true);
  const local = all.get(String(pair?.localCandidateId));
  return {
    path: pathOf(local),
    round_trip_ms: tenths(number(pair?.currentRoundTripTime) * 1000),
    available_bps: Math.round(number(pair?.availableOutgoingBitrate)),
  };
}

function pathOf(local: Stats | undefined): QualityReportFrame["path"] {
  const known = ["udp", "tcp", "relay_udp", "relay_tcp", "relay_tls"] as const;
  const way = local?.candidateType === "relay" ? `relay_${local.relayProtocol ?? "udp"}` : local?.protocol;
  return known.find((path) => path === way);
}

function byId(stats: RTCStatsReport): Map<string, Stats> {
  return new Map([...stats.values()].map((one: Stats) => [one.id, one]));
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

/** Leaves out what says nothing, and fractions. */
function brief<T extends object>(report: T): T {
  const told = Object.entries(report).filter(
    ([, value]) => value !== 0 && value !== "" && value !== undefined,
  );
  const rounded = told.map(([name, value]) => [name, typeof value === "number" ? tenths(value) : value]);
  return Object.fromEntries(rounded) as T;
}
