import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Call, sendOne } from "./client";

/** What is measured of one kind of a stream, or of one layer of it; api/openapi.yaml says what each field means. */
export interface TrackQuality {
  stream_id: string;
  publisher_id?: string;
  key: string;
  kind: "audio" | "video";
  layer?: string;
  bitrate_bps: number;
  loss: number;
  width?: number;
  height?: number;
  paused_ms: number;
}

export interface Measured {
  interval_secs: number;
  path?: string;
  round_trip_ms?: number;
  publish: TrackQuality[];
  receive: TrackQuality[];
}

export interface Switches {
  enabled: boolean;
  censored: boolean;
}

export interface LiveStream {
  id: string;
  key: string;
  recorded: boolean;
  audio: Switches | null;
  video: Switches | null;
}

export interface LiveSubscription {
  stream_id: string;
  audio: boolean;
  video: boolean;
  quality: string;
  hidden: boolean;
}

export interface LiveParticipant {
  id: string;
  context: string | null;
  joined_at: string;
  watcher: boolean;
  connection_lost: boolean;
  muted: boolean;
  recorded: boolean;
  streams: LiveStream[];
  subscriptions: LiveSubscription[];
  client: { name: string; version: string; user_agent: string } | null;
  measured: Measured | null;
}

export interface LiveSession {
  session_id: string;
  room_id: string;
  at: string;
  active: boolean;
  created_at: string;
  ended_at: string | null;
  ended_reason: string | null;
  e2ee: boolean;
  recording: boolean;
  participants: LiveParticipant[];
}

export const liveCall = (session: string): Call => ({
  method: "GET",
  path: `/room_sessions/${session}/live`,
});

/**
 * A session as the server pushes it, until it has ended. While the stream is broken the last state stays, and fresh is false; browsers try
 * again by themselves.
 */
export function useLiveSession(session: string | undefined) {
  const client = useQueryClient();
  const [fresh, setFresh] = useState(false);
  const { data, error } = useQuery({
    queryKey: ["live-session", session],
    queryFn: ({ signal }) => sendOne<LiveSession>(liveCall(session ?? ""), signal),
    enabled: session !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (session === undefined) return;
    const stream = new EventSource(`/v2${liveCall(session).path}`);
    stream.addEventListener("live", (event) => {
      client.setQueryData(["live-session", session], JSON.parse((event as MessageEvent<string>).data));
      setFresh(true);
    });
    stream.addEventListener("end", () => stream.close());
    stream.addEventListener("error", () => setFresh(false));
    return () => {
      stream.close();
      setFresh(false);
    };
  }, [client, session]);
  return { live: data, error, fresh };
}
