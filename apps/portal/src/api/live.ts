import { sendOne } from "./client";
import { usePushed } from "./pushed";
import type { Overview } from "./types";

/** The overview, as the server pushes it. While the stream is broken the last figures stay, and fresh is false. */
export function useOverview(): { overview: Overview | undefined; fresh: boolean } {
  const { data, fresh } = usePushed({
    key: ["overview"],
    call: { method: "GET", path: "/overview" },
    event: "overview",
    ask: (call, signal) => sendOne<Overview>(call, signal),
  });
  return { overview: data, fresh };
}
