import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { sendOne } from "./client";
import type { Overview } from "./types";

/**
 * The overview, as the server pushes it. While the stream is broken the last figures stay, and fresh is false; browsers try
 * again by themselves.
 */
export function useOverview(): { overview: Overview | undefined; fresh: boolean } {
  const client = useQueryClient();
  const [fresh, setFresh] = useState(false);
  const { data } = useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => sendOne<Overview>({ method: "GET", path: "/overview" }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    const stream = new EventSource("/v2/overview");
    stream.addEventListener("overview", (event) => {
      client.setQueryData(["overview"], JSON.parse((event as MessageEvent<string>).data));
      setFresh(true);
    });
    stream.addEventListener("error", () => setFresh(false));
    return () => stream.close();
  }, [client]);
  return { overview: data, fresh };
}
