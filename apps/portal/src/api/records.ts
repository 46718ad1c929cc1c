import { type Call, query } from "./client";

// The lists of what was: sessions, people, and joins that were refused. Filters are as the addresses of the screens have them.

export interface Spanned {
  /** From when on, and until when. */
  from?: string | undefined;
  until?: string | undefined;
  page?: number | undefined;
}

export interface SessionsSearch extends Spanned {
  state?: "live" | "over";
  room?: string;
}

export interface PeopleSearch extends Spanned {
  /** In a session now, not any more, or not any more because the connection was lost. */
  state?: "in" | "out" | "lost";
  session?: string;
}

export interface RefusedSearch extends Spanned {
  room?: string;
  session?: string;
}

type Filters = Record<string, string | number | undefined>;

const listCall = (path: string, filters: Filters, page: number | undefined): Call => ({
  method: "GET",
  path: `${path}${query({ ...filters, "page[number]": page, "page[size]": 50 })}`,
});

/** The span in which the field of a record has to lie. */
const span = (field: string, { from, until }: Spanned): Filters => ({
  [`filter[${field}][gte]`]: from,
  [`filter[${field}][lte]`]: until,
});

export function sessionsCall(seek: SessionsSearch): Call {
  const filters = {
    "filter[active]": seek.state && String(seek.state === "live"),
    "filter[room_id]": seek.room,
    ...span("date_created_at", seek),
  };
  return listCall("/room_sessions", filters, seek.page);
}

/** What the span of a list of people is about: those who left, or those who came. */
export const leaving = ({ state }: PeopleSearch) => state === "out" || state === "lost";

export function peopleCall(seek: PeopleSearch): Call {
  const filters = {
    "filter[active]": seek.state === "in" ? "true" : seek.state === "out" ? "false" : undefined,
    "filter[left_reason]": seek.state === "lost" ? "connection_lost" : undefined,
    "filter[session_id]": seek.session,
    ...span(leaving(seek) ? "date_left_at" : "date_joined_at", seek),
  };
  return listCall("/room_participants", filters, seek.page);
}

export function refusedCall(seek: RefusedSearch): Call {
  const filters = {
    "filter[room_id]": seek.room,
    "filter[session_id]": seek.session,
    ...span("occurred_at", seek),
  };
  return listCall("/refused_joins", filters, seek.page);
}
