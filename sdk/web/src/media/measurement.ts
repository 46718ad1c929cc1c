import type { TrackKind } from "../state.js";

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

/** One object of a report. */
export type Stats = Record<string, unknown> & { id: string; type: string; timestamp: number };

/** The path that packets take now. */
export function pathInUse(report: RTCStatsReport): Stats | undefined {
  let selected: Stats | undefined;
  for (const stats of report.values() as Iterable<Stats>) {
    if (stats.type === "transport" && stats.selectedCandidatePairId)
      return report.get(String(stats.selectedCandidatePairId));
    // Firefox has no statistics of transports, and marks the pair.
    if (stats.type === "candidate-pair" && stats.selected === true) selected = stats;
  }
  return selected;
}

/**
 * What is told of each track that is carried, by the id of its stream and its kind with a slash between: its own statistics, those that the
 * other side reports of it, and those of the path.
 */
export function statsOfTracks({ stats: report, carried }: Measurement): Map<string, Stats[]> {
  const path = pathInUse(report);
  const tracks = new Map<string, Stats[]>();
  for (const { streamId, kind } of carried.values()) tracks.set(`${streamId}/${kind}`, path ? [path] : []);
  for (const stats of report.values() as Iterable<Stats>) {
    if (stats.type !== "inbound-rtp" && stats.type !== "outbound-rtp") continue;
    const track = carried.get(String(stats.mid));
    if (!track) continue;
    const remote = stats.type === "outbound-rtp" ? report.get(String(stats.remoteId)) : undefined;
    tracks.get(`${track.streamId}/${track.kind}`)?.push(stats, ...(remote ? [remote] : []));
  }
  return tracks;
}
