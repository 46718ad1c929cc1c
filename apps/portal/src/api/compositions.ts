import { type Call, query } from "./client";
import type { Composition, Order } from "./types";

/** Filters of the list of compositions, as its address has them. */
export interface CompositionsSearch {
  session?: string;
  status?: Composition["status"];
  page?: number;
}

export const compositionsCall = ({ session, status, page }: CompositionsSearch): Call => ({
  method: "GET",
  path: `/room_compositions${query({ "filter[session_id]": session, "filter[status]": status, "page[number]": page, "page[size]": 50 })}`,
});

export const compositionCall = (id: string): Call => ({ method: "GET", path: `/room_compositions/${id}` });

export const orderCall = (order: Order): Call => ({
  method: "POST",
  path: "/room_compositions",
  body: order,
});

/** What a composition was asked for by, so that another can be. */
export function orderOf(made: Composition): Order {
  return {
    session_id: made.session_id,
    format: made.format,
    resolution: made.resolution,
    layout: made.layout,
    video_layout: made.video_layout,
    audio_sources: made.audio_sources,
    webhook_event_url: made.webhook_event_url ?? null,
    webhook_event_failover_url: made.webhook_event_failover_url ?? null,
    webhook_timeout_secs: made.webhook_timeout_secs ?? null,
  };
}

export const isUnfinished = ({ status }: Composition) => status === "enqueued" || status === "processing";
