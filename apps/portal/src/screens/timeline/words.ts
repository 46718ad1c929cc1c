import type { SessionEvent } from "../../api/history";

/** A length of time in words. */
export function lasting(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

const reasons: Record<string, string> = {
  left: "of their own accord",
  kicked: "kicked",
  connection_lost: "their connection was lost",
  session_ended: "the session ended",
  room_deleted: "the room was deleted",
  token_expired: "their token expired",
  duplicate: "they came in again elsewhere",
  server_shutdown: "the server stopped",
  server_crashed: "the server crashed",
  empty: "everybody had left",
  "Ended from API": "by a call of the API",
  stale: "found unfinished at a start of the server",
  room_full: "the room is full",
  duplicate_participant: "the participant id was used before",
  identity_in_use: "somebody with this identity is in",
  unauthorized: "the token is not good any more",
  unavailable: "the server could not record it",
  media_failed: "no media connection could be made",
};

/** Why somebody left, a session ended, or a join was refused. */
export const reasonOf = (reason: string) => reasons[reason] ?? reason;

/** The same where it stands alone. */
export function reasonAlone(reason: string): string {
  const words = reasons[reason];
  return words === undefined ? reason : words.charAt(0).toUpperCase() + words.slice(1);
}

const why = ({ reason }: SessionEvent) => (reason ? `: ${reasonOf(reason)}` : "");
const track = ({ kind, key }: SessionEvent) =>
  `${kind === "video" ? "picture" : "sound"}${key && key !== "self" ? ` of ${key}` : ""}`;
const stream = ({ key }: SessionEvent) => (key && key !== "self" ? `stream ${key}` : "a stream");

/** What happened, without who did it. Names are those of participants, by id. */
export function inWords(event: SessionEvent, nameOf: (id: string) => string): string {
  const whose = event.publisher_id ? ` of ${nameOf(event.publisher_id)}` : "";
  const parts = [event.audio && "sound", event.video && "picture"].filter(Boolean).join(" and ") || "nothing";
  const words: Record<string, () => string> = {
    session_started: () => "The session began",
    session_ended: () => `The session ended${why(event)}`,
    participant_joined: () => "joined",
    participant_left: () => `left${why(event)}`,
    participant_muted: () => "was muted by a moderator",
    participant_unmuted: () => "was unmuted",
    stream_published: () => `published ${stream(event)} with ${parts}`,
    stream_unpublished: () => `withdrew ${stream(event)}`,
    track_enabled: () => `switched on ${track(event)}`,
    track_disabled: () => `switched off ${track(event)}`,
    track_censored: () => `had ${track(event)} silenced by a moderator`,
    track_uncensored: () => `had ${track(event)} given back`,
    subscription_started: () => `takes ${parts}${whose}`,
    subscription_updated: () =>
      `now takes ${parts}${whose}${event.quality ? `, ${event.quality} at most` : ""}`,
    subscription_ended: () => `takes nothing more${whose}`,
    layer_changed: () => `is sent ${event.layer ? `layer ${event.layer}` : "the only layer"}${whose}`,
    video_paused: () => `is sent no picture${whose}: the way carries too little`,
    video_resumed: () => `is sent the picture${whose} again`,
    recording_started: () => `is being recorded: ${track(event)}`,
    recording_stopped: () => `is no more recorded: ${track(event)}`,
    media_connected: () => "connected media",
    media_lost: () => "lost the media connection",
    connection_lost: () => "was not heard of any more",
    connection_resumed: () => "was back",
    join_refused: () => `was refused at the door${why(event)}`,
  };
  return words[event.type]?.() ?? event.type;
}

/** What one can look for in a list of events. */
export const topics: { topic: string; name: string; has: (type: string) => boolean }[] = [
  { topic: "", name: "Everything", has: () => true },
  {
    topic: "people",
    name: "People",
    has: (type) => /^(session|participant)_|^join_/.test(type),
  },
  { topic: "streams", name: "Streams and mutes", has: (type) => /^(stream|track)_|muted$/.test(type) },
  { topic: "connections", name: "Connections", has: (type) => /^(media|connection)_/.test(type) },
  {
    topic: "layers",
    name: "Subscriptions and layers",
    has: (type) => /^(subscription|layer|video)_/.test(type),
  },
  { topic: "recordings", name: "Recordings", has: (type) => /^recording_/.test(type) },
];
