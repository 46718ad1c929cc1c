import type { Page } from "./types";

/** What was used; api/openapi.yaml says what each figure counts. */
export interface Used {
  participant_minutes: number;
  recorded_minutes: number;
  composed_minutes: number;
  egress_mb: number;
  download_mb: number;
  stored_mb: number;
}

export interface Usage extends Used {
  date: string | null;
  room_id: string | null;
  room_name: string | null;
}

export interface UsagePage extends Page<Usage> {
  totals: Used & { from: string; to: string };
}

const dayLength = 86_400_000;

/** The day so many days before another, both as in 2026-11-28. */
export function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * dayLength).toISOString().slice(0, 10);
}

/** Today in UTC, which is what days of usage are. */
export const today = () => new Date().toISOString().slice(0, 10);

/** Every day from one to another, both of them in it. */
export function daysOf(from: string, to: string): string[] {
  const days = [];
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= Date.parse(`${to}T00:00:00Z`); at += dayLength) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}

const nothing: Used = {
  participant_minutes: 0,
  recorded_minutes: 0,
  composed_minutes: 0,
  egress_mb: 0,
  download_mb: 0,
  stored_mb: 0,
};

/**
 * What was used on each of the days, oldest first. On days that have no line nothing was used, and what is stored is what was stored the day
 * before; before the first line that is not known, and null.
 */
export function fillDays(
  days: string[],
  lines: Usage[],
): (Used | ({ stored_mb: null } & Omit<Used, "stored_mb">))[] {
  const known = new Map(lines.map((line) => [line.date, line]));
  let stored: number | null = null;
  return days.map((day) => {
    const line = known.get(day);
    if (line) {
      stored = line.stored_mb;
      return line;
    }
    return stored === null ? { ...nothing, stored_mb: null } : { ...nothing, stored_mb: stored };
  });
}
