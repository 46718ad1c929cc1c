import {
  keepPreviousData,
  type QueryKey,
  type UseQueryResult,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ApiError, type Call } from "./client";

/** How long to wait before a stream that was refused is asked for again, in milliseconds. */
const askAgain = 10_000;

/** How often is asked while there is no stream, in milliseconds. */
const askEvery = 5_000;

/**
 * Hears the events of this name that a GET streams, while there is a path. Browsers take up a stream again that broke off; one that was
 * refused is asked for again. It returns whether the stream stands.
 */
export function useStream(
  path: string | undefined,
  event: string,
  hear: (data: unknown) => void,
  refused?: () => void,
): boolean {
  const [stands, setStands] = useState(false);
  const latest = useRef({ hear, refused });
  latest.current = { hear, refused };
  useEffect(() => {
    if (path === undefined) return;
    let stream: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      stream = new EventSource(`/v2${path}`);
      stream.addEventListener(event, (message) => {
        latest.current.hear(JSON.parse((message as MessageEvent<string>).data));
        setStands(true);
      });
      stream.addEventListener("error", () => {
        setStands(false);
        if (stream.readyState !== EventSource.CLOSED) return;
        latest.current.refused?.();
        again = setTimeout(open, askAgain);
      });
    };
    open();
    return () => {
      stream.close();
      clearTimeout(again);
      setStands(false);
    };
  }, [path, event]);
  return stands;
}

/** Whether something is not there any more, so that nothing will come of it. */
const isGone = (error: unknown) => error instanceof ApiError && error.status === 404;

/**
 * What a call answers, and what the server pushes of it as it changes. While the stream is broken it is asked for every few seconds, and
 * fresh is false.
 */
export function usePushed<T>({
  key,
  call,
  event,
  ask,
  turns = false,
  share,
}: {
  key: QueryKey;
  call: Call;
  /** What the events are called; their data is what ask returns. */
  event: string;
  ask: (call: Call, signal: AbortSignal) => Promise<T>;
  /** Whether one page follows another: the one before stays in view until the next is there. */
  turns?: boolean;
  /** Takes over a newer answer, as structuralSharing does. */
  share?: (before: unknown, after: unknown) => unknown;
}): UseQueryResult<T> & { fresh: boolean } {
  const client = useQueryClient();
  const told = useRef<{ path: string; data: T }>(undefined);
  const { path } = call;
  const { error } = client.getQueryState(key) ?? {};
  const fresh = useStream(
    isGone(error) ? undefined : path,
    event,
    (data) => {
      told.current = { path, data: data as T };
      client.setQueryData(key, data);
    },
    () => void client.invalidateQueries({ queryKey: key }),
  );
  const found = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const before = told.current;
      const answer = await ask(call, signal);
      const since = told.current;
      // What was pushed while the answer was on its way is newer than it.
      return since && since !== before && since.path === path ? since.data : answer;
    },
    placeholderData: turns ? keepPreviousData : undefined,
    refetchInterval: ({ state }) => (fresh || isGone(state.error) ? false : askEvery),
    ...(share && { structuralSharing: share }),
  });
  return { ...found, fresh };
}
