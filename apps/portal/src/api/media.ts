import { replaceEqualDeep, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Call, query, send } from "./client";
import { useStream } from "./pushed";
import type { Page, Participant, Recording } from "./types";

/** Filters of the list of recordings, as its address has them. */
export interface RecordingsSearch {
  room?: string;
  session?: string;
  participant?: string;
  status?: Recording["status"];
  type?: Recording["type"];
  /** At least so many seconds long. */
  longer?: number;
  /** Began on this day of UTC or later, and on this one or earlier: YYYY-MM-DD. */
  from?: string;
  until?: string;
  page?: number;
}

/** The filters as the API has them. */
export function recordingFilters(seek: RecordingsSearch): Record<string, string | number | undefined> {
  return {
    "filter[room_id]": seek.room,
    "filter[session_id]": seek.session,
    "filter[participant_id]": seek.participant,
    "filter[status]": seek.status,
    "filter[type]": seek.type,
    "filter[duration_secs]": seek.longer,
    "filter[date_started_at][gte]": seek.from,
    "filter[date_started_at][lte]": seek.until,
  };
}

export const recordingsCall = (seek: RecordingsSearch): Call => ({
  method: "GET",
  path: `/room_recordings${query({ ...recordingFilters(seek), "page[number]": seek.page, "page[size]": 50 })}`,
});

/** How many recordings and participants of a session the portal knows of at most: four pages of the API. */
const mostTracks = 1000;
const pageSize = 250;

/** Everything a list has, page by page, up to mostTracks. */
async function everyPage<T>(
  list: string,
  filters: Record<string, string>,
  signal: AbortSignal,
): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; all.length < mostTracks; page++) {
    const path = `${list}${query({ ...filters, "page[number]": page, "page[size]": pageSize })}`;
    const { data, meta } = await send<Page<T>>({ method: "GET", path }, signal);
    all.push(...data);
    if (page >= meta.total_pages) break;
  }
  return all;
}

/** All recordings of a session, oldest first. */
async function recordingsOf(session: string, signal: AbortSignal): Promise<Recording[]> {
  const all = await everyPage<Recording>("/room_recordings", { "filter[session_id]": session }, signal);
  return all.sort((a, b) => a.started_at.localeCompare(b.started_at) || a.id.localeCompare(b.id));
}

const isRunning = ({ status }: Recording) => status === "processing";

/** The recordings of a session and the names of those who were in it. While any of them is being made, what comes of it is followed. */
export function useSessionMedia(session: string) {
  const recordings = useQuery({
    queryKey: ["recordings-of", session],
    queryFn: ({ signal }) => recordingsOf(session, signal),
    enabled: session !== "",
    refetchInterval: ({ state }) => (state.data?.some(isRunning) ? 15_000 : false), // should there be no stream
    staleTime: 60_000,
    structuralSharing: keepLinks,
  });
  const unfinished = recordings.data?.some(isRunning);
  const running = query({
    "filter[session_id]": session,
    "filter[status]": "processing",
    "page[size]": pageSize,
  });
  useStream(
    unfinished ? `/room_recordings${running}` : undefined,
    "room_recordings",
    () => void recordings.refetch(),
  );
  const people = useQuery({
    queryKey: ["people-of", session],
    queryFn: ({ signal }) => everyPage<Participant>(`/room_sessions/${session}/participants`, {}, signal),
    enabled: session !== "",
    staleTime: 60_000,
  });
  const names = useMemo(() => people.data && namesOf(people.data), [people.data]);
  return {
    recordings: recordings.data,
    names,
    error: recordings.error ?? people.error,
    refresh: recordings.refetch,
  };
}

/** What each participant is called, by id. */
function namesOf(people: Participant[]): Map<string, string> {
  return new Map(people.map(({ id, context }) => [id, nameIn(context) || `${id.slice(0, 8)}…`]));
}

/** A participant's name as compositions read it from the context: that of a JSON object, or a text that is no JSON. */
export function nameIn(context: string | null): string {
  if (!context) return "";
  let value: unknown = context;
  try {
    value = JSON.parse(context);
  } catch {
    // It is a text.
  }
  if (typeof value === "number") value = context;
  if (value && typeof value === "object" && !Array.isArray(value)) {
    const object = value as Record<string, unknown>;
    value = ["name", "display_name", "displayName", "username", "identity"]
      .map((field) => object[field])
      .find((text) => typeof text === "string" && text !== "");
  }
  const name = typeof value === "string" ? [...value.replace(/\s+/g, " ").trim()] : [];
  return name.length > 40 ? `${name.slice(0, 39).join("")}…` : name.join("");
}

/**
 * The address of media on this page's own server. The API's links name the public URL, under which the portal may not be open
 * now, and the page may load from its own server alone; path and signature are the same on each.
 */
export function ownAddress(link: string): string {
  const url = new URL(link);
  return url.pathname + url.search;
}

/** Whether the server takes a link no longer, at a time in milliseconds. */
export function isExpired(link: string, now = Date.now()): boolean {
  const expires = /[?&]expires=(\d+)/.exec(link)?.[1];
  return expires !== undefined && Number(expires) * 1000 <= now;
}

/** How long a link has to be good for to be kept. */
const goodFor = 5 * 60_000;

/**
 * Takes over a newer answer, but keeps the links there are: each answer signs its own, and a player whose link is another begins
 * anew. For the structuralSharing of queries.
 */
export function keepLinks(before: unknown, after: unknown): unknown {
  type Links = { download_url: string | null; index_url?: string | null };
  type Media = Links & { id: string };
  const links = new Map<string, Links>();
  for (const { id, download_url, index_url } of [before ?? []].flat() as Media[]) {
    if (!download_url || isExpired(download_url, Date.now() + goodFor)) continue;
    links.set(id, index_url === undefined ? { download_url } : { download_url, index_url });
  }
  const keep = (media: Media) => ({ ...media, ...(media.download_url ? links.get(media.id) : undefined) });
  return replaceEqualDeep(before, Array.isArray(after) ? after.map(keep) : after && keep(after as Media));
}
