import { ownAddress } from "../api/media";
import type { Recording } from "../api/types";

/** A recording on the clock of its session. Times are seconds. */
export interface Part {
  id: string;
  name: string;
  type: Recording["type"];
  screen: boolean;
  /** When it begins, from the beginning of the session's first recording. */
  from: number;
  until: number;
  /** Where to load it from; empty if it cannot be played. */
  address: string;
  /** Whose recordings stand in one lane: a stream of a participant. */
  lane: string;
}

/** What is played together. */
export interface Score {
  parts: Part[];
  length: number;
}

/** Microseconds since 1970 of the API's timestamps, which Date would cut to milliseconds. */
export function micros(timestamp: string): number {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? "";
  return Math.floor(Date.parse(timestamp) / 1000) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

/** Puts the recordings of a session on one clock, which begins with the first of them that can be played. */
export function arrange(recordings: Recording[], names: Map<string, string>): Score {
  const playable = recordings.filter(({ status }) => status === "completed");
  const begin = Math.min(...playable.map(({ started_at }) => micros(started_at)));
  const parts = playable.map((recording): Part => {
    const { participant_id: person, stream_key: key } = recording;
    const from = (micros(recording.started_at) - begin) / 1e6;
    const screen = key !== null && key !== "self";
    const name = names.get(person) ?? `${person.slice(0, 8)}…`;
    return {
      id: recording.id,
      name: screen ? `${name}, ${key}` : name,
      type: recording.type,
      screen,
      from,
      until: from + lengthOf(recording),
      address: recording.download_url ? ownAddress(recording.download_url) : "",
      lane: `${person} ${key}`,
    };
  });
  return { parts, length: Math.max(0, ...parts.map(({ until }) => until)) };
}

/** The API tells whole seconds; until the file itself is open, a second more is allowed for. */
function lengthOf({ duration_secs, started_at, ended_at }: Recording): number {
  const span = ended_at ? (micros(ended_at) - micros(started_at)) / 1e6 : duration_secs;
  return Math.min(Math.max(span, duration_secs), duration_secs + 1);
}

export interface Lane {
  key: string;
  name: string;
  parts: Part[];
}

/** The parts by stream, in the order in which streams come. */
export function lanesOf({ parts }: Score): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const part of parts) {
    const lane = lanes.get(part.lane) ?? { key: part.lane, name: part.name, parts: [] };
    lane.parts.push(part);
    lanes.set(part.lane, lane);
  }
  return [...lanes.values()];
}

/** Minutes and seconds, with hours where there are any. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}
