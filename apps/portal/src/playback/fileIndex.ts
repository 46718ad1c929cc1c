import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ownAddress } from "../api/media";
import type { Recording } from "../api/types";

/** What is known of a recording's inside (docs/recording.md). Times are seconds of the file. */
export interface FileIndex {
  /** Spans without media. A picture whose camera was switched off is gone at once; one that stopped coming stands for a while. */
  gaps: { from: number; until: number; switchedOff: boolean }[];
  /** Undefined if the recording did not end well. */
  length: number | undefined;
}

/** Reads an index. What it does not know, or cannot read, it passes over. */
export function readIndex(text: string): FileIndex {
  const index: FileIndex = { gaps: [], length: undefined };
  for (const line of text.split("\n")) {
    const { at, gap, until, end } = parsed(line);
    if (typeof end === "number") index.length = end / 1e6;
    if (typeof gap !== "string" || typeof at !== "number" || typeof until !== "number" || until <= at)
      continue;
    index.gaps.push({
      from: at / 1e6,
      until: until / 1e6,
      switchedOff: gap === "disabled" || gap === "censored",
    });
  }
  return index;
}

function parsed(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

/** How many indexes are read, and how many at once. Recordings beyond are taken to have no gaps. */
const most = 200;
const atOnce = 6;

/** The indexes of recordings that are complete, by id. */
async function indexesOf(recordings: Recording[], signal: AbortSignal): Promise<Map<string, FileIndex>> {
  const found = new Map<string, FileIndex>();
  const wanted = recordings.slice(0, most).values();
  const read = async () => {
    for (const { id, index_url: link } of wanted) {
      if (!link) continue;
      const answer = await fetch(ownAddress(link), { signal });
      if (answer.ok) found.set(id, readIndex(await answer.text()));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, read));
  return found;
}

/** The indexes of recordings; undefined until they are read. Where one cannot be read, the recording goes without. */
export function useIndexes(recordings: Recording[] | undefined): Map<string, FileIndex> | undefined {
  const complete = recordings?.filter(({ index_url }) => index_url) ?? [];
  const indexes = useQuery({
    queryKey: ["indexes", complete.map(({ id }) => id)],
    queryFn: ({ signal }) => indexesOf(complete, signal),
    enabled: recordings !== undefined,
    // When another recording is complete, what plays goes on meanwhile.
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
  return indexes.isError ? none : indexes.data;
}

const none: Map<string, FileIndex> = new Map();
