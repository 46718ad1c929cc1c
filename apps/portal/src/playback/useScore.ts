import { useMemo } from "react";
import { useSessionMedia } from "../api/media";
import { useIndexes } from "./fileIndex";
import { arrange } from "./score";

/** The recordings of a session on one clock; the score is undefined until all that belongs to it is there. */
export function useScore(session: string) {
  const { recordings, names, error, refresh } = useSessionMedia(session);
  const indexes = useIndexes(recordings);
  const score = useMemo(
    () => recordings && names && indexes && arrange(recordings, names, indexes),
    [recordings, names, indexes],
  );
  const unfinished = recordings?.filter(({ status }) => status === "processing").length ?? 0;
  return { score, unfinished, error, refresh };
}
