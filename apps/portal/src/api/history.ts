import { useEffect, useState } from "react";
import { type Call, query, send } from "./client";
import type { Page, Participant } from "./types";

// What the record of a session holds; api/openapi.yaml says what each field means.

export interface SessionEvent {
  cursor: string;
  type: string;
  occurred_at: string;
  participant_id?: string;
  publisher_id?: string;
  stream_id?: string;
  key?: string;
  kind?: "audio" | "video";
  audio?: boolean;
  video?: boolean;
  quality?: string;
  layer?: string;
  reason?: string;
}

export interface TrackState {
  enabled: boolean;
  censored: boolean;
  recorded: boolean;
}

export interface SessionState {
  at: string | null;
  cursor: string;
  active: boolean;
  participants: {
    participant_id: string;
    joined_at: string;
    connected: boolean;
    media: "none" | "connected" | "lost";
    muted: boolean;
    subscription_count: number;
    streams: { stream_id: string; key: string; audio: TrackState; video: TrackState }[];
    subscriptions?: {
      stream_id: string;
      publisher_id: string;
      audio: boolean;
      video: boolean;
      layer?: string;
      paused: boolean;
    }[];
  }[];
}

export interface SessionDelivery {
  id: string;
  status: "pending" | "delivered" | "failed" | "skipped";
  webhook: { event_type: string; occurred_at: string };
}

/** The first whole millisecond at which an event had happened: its own time is finer. */
export function momentOf({ occurred_at: at }: SessionEvent): number {
  const finer = /\.\d{3}(\d+)/.exec(at)?.[1] ?? "";
  return Date.parse(at) + (/[1-9]/.test(finer) ? 1 : 0);
}

/** The types of events that the portal shows. EventSource hears those alone that it is told of. */
const types = [
  "session_started",
  "session_ended",
  "participant_joined",
  "participant_left",
  "participant_muted",
  "participant_unmuted",
  "stream_published",
  "stream_unpublished",
  "track_enabled",
  "track_disabled",
  "track_censored",
  "track_uncensored",
  "subscription_started",
  "subscription_updated",
  "subscription_ended",
  "layer_changed",
  "video_paused",
  "video_resumed",
  "recording_started",
  "recording_stopped",
  "media_connected",
  "media_lost",
  "connection_lost",
  "connection_resumed",
  "join_refused",
];

/** How often what came is shown, in milliseconds. */
const showEvery = 200;

/** How long to wait before a stream that was refused is asked for again, in milliseconds. */
const askAgain = 3_000;

export interface Events {
  events: SessionEvent[];
  /** connecting: what there is comes in; live: the session goes on; over: there is no more. */
  state: "connecting" | "live" | "broken" | "over";
}

/** What happened in a session, from its start, and what happens as it does. Browsers take up a stream again that broke off; one that was refused is asked for again. */
export function useEvents(sessionId: string): Events {
  const [found, setFound] = useState<Events>({ events: [], state: "connecting" });
  useEffect(() => {
    const events: SessionEvent[] = [];
    let state: Events["state"] = "connecting";
    let timer: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let stream: EventSource;
    const show = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setFound({ events: [...events], state });
      }, showEvery);
    };
    const become = (next: Events["state"]) => {
      state = next;
      show();
    };
    setFound({ events: [], state });
    const take = (message: Event) => {
      events.push(JSON.parse((message as MessageEvent<string>).data));
      show();
    };
    const open = () => {
      const path = `/v2/room_sessions/${sessionId}/events`;
      stream = new EventSource(`${path}${query({ cursor: events.at(-1)?.cursor })}`);
      for (const type of types) stream.addEventListener(type, take);
      stream.addEventListener("open", () => become("live"));
      stream.addEventListener("error", () => {
        become("broken");
        if (stream.readyState === EventSource.CLOSED) again = setTimeout(open, askAgain);
      });
      stream.addEventListener("end", () => {
        stream.close();
        become("over");
      });
    };
    open();
    return () => {
      stream.close();
      clearTimeout(timer);
      clearTimeout(again);
    };
  }, [sessionId]);
  return found;
}

/** All pages of a list, up to so many. */
export async function everyPage<T>(
  page: (number: number) => Call,
  most: number,
  signal?: AbortSignal,
): Promise<{ items: T[]; total: number }> {
  const items: T[] = [];
  for (let number = 1; ; number++) {
    const { data, meta } = await send<Page<T>>(page(number), signal);
    items.push(...data);
    if (number >= meta.total_pages || number >= most) return { items, total: meta.total_results };
  }
}

/** What somebody is called: the name in the context that the application gave, the context itself, or the id. */
export function nameOf(participant: Pick<Participant, "id" | "context"> | undefined, id: string): string {
  const context = participant?.context?.trim();
  if (!context) return id.slice(0, 8);
  try {
    const said: unknown = JSON.parse(context);
    if (typeof said === "object" && said !== null) {
      for (const field of ["name", "displayName", "display_name", "username"]) {
        const name = (said as Record<string, unknown>)[field];
        if (typeof name === "string" && name !== "") return name;
      }
    }
  } catch {
    // It is no JSON, so it is for people.
  }
  return context;
}
