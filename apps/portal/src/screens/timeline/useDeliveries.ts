import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { type Call, query, send } from "../../api/client";
import type { SessionDelivery } from "../../api/history";
import { useMay } from "../../api/session";
import type { Page } from "../../api/types";

type DeliveryPage = Page<SessionDelivery>;

/** One page of the API. */
const pageSize = 250;

/** How many older pages are asked for at once, one after another: 5,000 deliveries. */
const stretch = 20;

export interface Deliveries {
  /** The newest first, without gaps. */
  items: SessionDelivery[];
  total: number;
  allowed: boolean;
  /** Draws older ones, where there are any that are not. */
  more: (() => void) | undefined;
}

/** The webhooks of a session that occurred at a time or before, newest first. */
const before = (sessionId: string, at: string | undefined): Call => ({
  method: "GET",
  path: `/webhook_deliveries${query({
    "filter[session_id]": sessionId,
    "filter[occurred_at][lte]": at,
    "page[size]": pageSize,
  })}`,
});

/**
 * Where the page after this one begins: at its last time, because others may have the same, so that one comes twice. There is none after a
 * page that is not full, nor where all of it had one time.
 */
export function pageAfter({ data }: DeliveryPage): string | undefined {
  const [first, last] = [data[0]?.webhook.occurred_at, data.at(-1)?.webhook.occurred_at];
  return data.length < pageSize || first === last ? undefined : last;
}

/** All of several pages, each once, as the page that comes first has it. */
export function together(pages: SessionDelivery[][]): SessionDelivery[] {
  const byId = new Map<string, SessionDelivery>();
  for (const delivery of pages.flat()) if (!byId.has(delivery.id)) byId.set(delivery.id, delivery);
  return [...byId.values()].sort((a, b) => b.webhook.occurred_at.localeCompare(a.webhook.occurred_at));
}

/**
 * The newest page, joined to what is known: further pages are asked for until one has something that is known, so that there is no gap
 * however many came meanwhile.
 */
export async function joined(
  known: DeliveryPage | undefined,
  ask: (at: string | undefined) => Promise<DeliveryPage>,
): Promise<DeliveryPage> {
  const ids = new Set(known?.data.map(({ id }) => id));
  let page = await ask(undefined);
  const { meta } = page;
  const pages = [page.data];
  for (let at = pageAfter(page); known && at !== undefined; at = pageAfter(page)) {
    if (page.data.some(({ id }) => ids.has(id))) break;
    page = await ask(at);
    pages.push(page.data);
  }
  return { data: together([...pages, known?.data ?? []]), meta };
}

/** What was told to webhooks of a session: the newest are looked at again and again, older ones are paged through once. */
export function useDeliveries(sessionId: string, over: boolean): Deliveries {
  const allowed = useMay()("write");
  const [stretches, setStretches] = useState(1);
  const client = useQueryClient();
  const queryKey = ["session-deliveries", sessionId];
  const latest = useQuery({
    queryKey,
    queryFn: ({ signal }) =>
      joined(client.getQueryData(queryKey), (at) => send<DeliveryPage>(before(sessionId, at), signal)),
    enabled: allowed,
    refetchInterval: over ? 30_000 : 5_000,
  });
  const older = useInfiniteQuery({
    queryKey: ["older-session-deliveries", sessionId],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal, pageParam }) => send<DeliveryPage>(before(sessionId, pageParam), signal),
    getNextPageParam: pageAfter,
    enabled: allowed,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const pages = older.data?.pages;
  const due =
    older.hasNextPage && !older.isFetching && !older.isError && (pages?.length ?? 0) < stretches * stretch;
  const { fetchNextPage } = older;
  useEffect(() => {
    if (due) void fetchNextPage();
  }, [due, fetchNextPage]);
  const items = useMemo(
    () => together([latest.data?.data ?? [], ...(pages ?? []).map(({ data }) => data)]),
    [latest.data, pages],
  );
  const waits = older.hasNextPage && (pages?.length ?? 0) >= stretches * stretch;
  return {
    allowed,
    items,
    total: latest.data?.meta.total_results ?? 0,
    more: waits ? () => setStretches(stretches + 1) : undefined,
  };
}
