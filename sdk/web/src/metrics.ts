import type { Stats } from "./media/measurement.js";
import type { TrackKind } from "./state.js";

/** From 5, excellent, over 4 good, 3 average, 2 below average and 1 bad, to 0, broken. */
export type ConnectionQuality = 0 | 1 | 2 | 3 | 4 | 5;

/** The quality of one kind of one stream, as this client sends or receives it. */
export interface TrackQuality {
  /** `sending` for streams of this client. */
  direction: "sending" | "receiving";
  /** How well it goes. */
  quality: ConnectionQuality;
}

/** What `network_metrics_report` says about one participant. */
export interface ParticipantMetrics {
  /** That of the worst stream; of this client, that of its connection to the server. 5 where nothing is known. */
  connectionQuality: ConnectionQuality;
  /** Key to kind to quality. Present with `includeStreams: true`. */
  streams?: Record<string, { audio?: TrackQuality; video?: TrackQuality }>;
}

/** Participant id to metrics. */
export type NetworkMetrics = Record<string, ParticipantMetrics>;

/** Totals of one kind of one stream at one moment. */
export interface Sample {
  /** In milliseconds. */
  at: number;
  bytes: number;
  packets: number;
  lost: number;
  /** In seconds; 0 where unknown. */
  jitter: number;
  /** In seconds; 0 where unknown. */
  roundTrip: number;
  /** The browser sends less than it would like to, because the path takes no more. */
  limited: boolean;
}

const levels = [5, 4, 3, 2, 1] as const;
const kilobits = { video: [400, 200, 100, 50, 10], audio: [30, 15, 10, 5, 0.001] };
const lossBounds = [0.02, 0.04, 0.08, 0.15];
const jitterBounds = [0.03, 0.05, 0.1, 0.2];
const roundTripBounds = [0.25, 0.35, 0.5, 0.8];

/** Sums up what the statistics of a track say. */
export function sampleOf(report: Iterable<Stats>): Sample {
  const sample: Sample = { at: 0, bytes: 0, packets: 0, lost: 0, jitter: 0, roundTrip: 0, limited: false };
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  for (const stats of report) {
    switch (stats.type) {
      case "inbound-rtp":
        sample.jitter = Math.max(sample.jitter, number(stats.jitter));
        sample.bytes += number(stats.bytesReceived);
        sample.packets += number(stats.packetsReceived);
        sample.lost += number(stats.packetsLost);
        break;
      case "outbound-rtp":
        sample.bytes += number(stats.bytesSent);
        sample.packets += number(stats.packetsSent);
        sample.limited ||= stats.qualityLimitationReason === "bandwidth";
        break;
      case "remote-inbound-rtp":
        sample.jitter = Math.max(sample.jitter, number(stats.jitter));
        sample.lost += number(stats.packetsLost);
        break;
      case "candidate-pair":
        sample.roundTrip = Math.max(sample.roundTrip, number(stats.currentRoundTripTime));
        break;
      default:
        continue;
    }
    sample.at = Math.max(sample.at, stats.timestamp);
  }
  return sample;
}

/**
 * The quality of the path between two samples. Few bits alone are no sign of a bad path: a still picture needs few. They count once
 * loss, jitter, delay or the sender's own limit show that the path is in trouble.
 */
export function qualityBetween(kind: TrackKind, before: Sample, after: Sample): ConnectionQuality {
  const bytes = after.bytes - before.bytes;
  const milliseconds = after.at - before.at;
  if (bytes <= 0 || milliseconds <= 0) return 5;
  const lost = Math.max(0, after.lost - before.lost);
  const loss = lost / Math.max(1, after.packets - before.packets + lost);
  const path = Math.min(
    byBound(loss, lossBounds),
    byBound(after.jitter, jitterBounds),
    byBound(after.roundTrip, roundTripBounds),
  ) as ConnectionQuality;
  if (path === 5 && !after.limited) return 5;
  return Math.min(path, byBitrate(kind, (bytes * 8) / milliseconds)) as ConnectionQuality;
}

/** The level of so many kilobits per second. */
export function byBitrate(kind: TrackKind, rate: number): ConnectionQuality {
  const index = kilobits[kind].findIndex((bound) => rate >= bound);
  return levels[index] ?? 0;
}

function byBound(value: number, bounds: number[]): ConnectionQuality {
  const index = bounds.findIndex((bound) => value < bound);
  return index < 0 ? 1 : (levels[index] as ConnectionQuality);
}

/** How many round trips the level of the local participant is made of. */
export const ROUND_TRIPS = 5;
/** A round trip that takes longer than this, in milliseconds, counts as lost. */
const LOST_AFTER = 1_000;

/** The level of the connection to the server, from the last round trips in milliseconds. */
export function byRoundTrips(roundTrips: readonly number[]): ConnectionQuality {
  const heard = roundTrips.filter((milliseconds) => milliseconds <= LOST_AFTER);
  const lost = roundTrips.length - heard.length;
  if (roundTrips.length === 0) return 5;
  if (lost > 1 || heard.length === 0) return 1;
  if (mean(heard) > 500) return 1;
  const variation = mean(heard.slice(1).map((value, index) => Math.abs(value - (heard[index] as number))));
  if (variation < 50 && lost === 0) return 5;
  if (variation < 100 && lost === 0) return 4;
  return variation < 150 ? 3 : 2;
}

function mean(values: number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
