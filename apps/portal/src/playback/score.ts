import { ownAddress } from "../api/media";
import type { Recording } from "../api/types";
import type { FileIndex } from "./fileIndex";

export interface Span {
  from: number;
  until: number;
}

/** A recording on the clock of its session, which begins with its first recording. Times are seconds. */
export interface Part extends Span {
  id: string;
  name: string;
  type: Recording["type"];
  screen: boolean;
  /** When nothing is heard of it, or shown, although it goes on: from and until like its own. */
  off: Span[];
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
export function arrange(
  recordings: Recording[],
  names: Map<string, string>,
  indexes: Map<string, FileIndex>,
): Score {
  const playable = recordings.filter(({ status }) => status === "completed");
  const begin = Math.min(...playable.map(({ started_at }) => micros(started_at)));
  const parts = playable.map((recording): Part => {
    const { participant_id: person, stream_key: key } = recording;
    const index = indexes.get(recording.id);
    const from = (micros(recording.started_at) - begin) / 1e6;
    const screen = key !== null && key !== "self";
    const name = names.get(person) ?? `${person.slice(0, 8)}…`;
    return {
      id: recording.id,
      name: screen ? `${name}, ${key}` : name,
      type: recording.type,
      screen,
      from,
      until: from + (index?.length ?? lengthOf(recording)),
      off: offOf(recording, from, index),
      address: recording.download_url ? ownAddress(recording.download_url) : "",
      lane: `${person} ${key}`,
    };
  });
  return { parts, length: Math.max(0, ...parts.map(({ until }) => until)) };
}

/** How long the last picture stands when no more come, as in compositions. */
const freezeFor = 3;

function offOf({ type }: Recording, from: number, index: FileIndex | undefined): Span[] {
  return (index?.gaps ?? [])
    .map((gap) => ({
      from: from + gap.from + (type === "video" && !gap.switchedOff ? freezeFor : 0),
      until: from + gap.until,
    }))
    .filter((span) => span.from < span.until);
}

/** When its sound is heard, or its picture seen. */
export function piecesOf({ from, until, off }: Part): Span[] {
  const marks = [from, ...off.flatMap((span) => [span.from, span.until]), until];
  return Array.from({ length: marks.length / 2 }, (_, i) => ({
    from: marks[2 * i] as number,
    until: marks[2 * i + 1] as number,
  })).filter((piece) => piece.from < piece.until);
}

/** Whether there is something of it at a time. */
export const isThere = ({ from, until, off }: Part, at: number) =>
  from <= at && at < until && !off.some((span) => span.from <= at && at < span.until);

/** The API tells whole seconds; without an index a second more is allowed for. */
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
