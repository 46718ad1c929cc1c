/**
 * The frames of signalling version 1 (`api/signalling.md`), written from its schema.
 */

export interface ParticipantFrame {
  id: string;
  context?: string;
  receives_messages: boolean;
  joined_at: string;
  connection_lost?: boolean;
}

export interface KindFlags {
  enabled: boolean;
  censored: boolean;
}

export interface StreamFrame {
  id: string;
  participant_id: string;
  key: string;
  audio: KindFlags;
  video: KindFlags;
}

export interface IceServerFrame {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface MessageFrame {
  type: "text";
  payload: string;
  meta?: Record<string, unknown>;
}

interface SubscribeFrame {
  stream_id: string;
  audio: boolean;
  video: boolean;
  quality?: "low" | "medium" | "high";
  max_width?: number;
  max_height?: number;
  visible?: boolean;
}

/** Which lines of a new connection carry a stream that was published over another. */
export interface MovedStream {
  stream_id: string;
  audio: { mid: string };
  video: { mid: string };
}

/** What a client measured of one kind of a stream, or one encoding of it. What is left out is 0, or not known. */
export interface ReportedTrackFrame {
  stream_id: string;
  kind: "audio" | "video";
  rid?: string;
  limited_by?: "" | "bandwidth" | "cpu" | "other";
  bytes?: number;
  packets?: number;
  lost?: number;
  repaired?: number;
  width?: number;
  height?: number;
  frames?: number;
  freezes?: number;
  frozen_ms?: number;
  concealed_ms?: number;
  jitter_ms?: number;
  round_trip_ms?: number;
}

/** What a client measured of its media. */
export interface QualityReportFrame {
  interval_ms: number;
  path?: "udp" | "tcp" | "relay_udp" | "relay_tcp" | "relay_tls" | undefined;
  round_trip_ms?: number;
  available_bps?: number;
  tracks?: ReportedTrackFrame[];
}

/** What the client sends: request type to its fields. `id` and `type` are added on the way out. */
export interface Requests {
  hello: { version: 1; token: string; client?: { name: string; version: string } };
  resume: { version: 1; token: string; participant_id: string; secret: string; seq: number };
  join: { participant_id: string; context?: string; receives_messages?: boolean };
  publish: {
    key: string;
    audio?: { mid: string; enabled: boolean };
    video?: { mid: string; enabled: boolean };
    sdp?: string;
  };
  update_stream: { stream_id: string; audio?: { enabled: boolean }; video?: { enabled: boolean } };
  unpublish: { stream_id: string };
  subscribe: SubscribeFrame;
  update_subscription: SubscribeFrame;
  unsubscribe: { stream_id: string };
  offer: { sdp: string };
  replace_media: { sdp: string; streams: MovedStream[] };
  send_message: { message: MessageFrame; recipients?: string[] };
  send_data: { data: string; topic?: string; recipients?: string[] };
  report_quality: QualityReportFrame;
  update_token: { token: string };
  ping: { seq?: number };
  leave: object;
}

export interface HelloReply {
  version: 1;
  room: { id: string; unique_name?: string; max_participants: number; e2ee?: boolean };
  ice_servers: IceServerFrame[];
  grants: { publish: boolean; subscribe: boolean; send_messages: boolean };
  token_expires_at: string;
  limits: { frame_bytes: number; message_bytes: number; context_bytes: number; streams: number };
  /** Absent: the server wants no `report_quality`. */
  quality_interval_secs?: number;
  server: { version: string };
}

/** On which streams somebody speaks, and who has the word. */
export interface SpeakersFrame {
  streams: string[];
  dominant: string | null;
}

/** Who and what is in a session at one moment. */
export interface SnapshotFrame {
  participants: ParticipantFrame[];
  streams: StreamFrame[];
  /** Absent from servers that cannot record. */
  recording?: boolean;
  /** Absent from servers that do not listen. */
  speakers?: SpeakersFrame;
}

export interface JoinReply extends SnapshotFrame {
  session_id: string;
  participant_id: string;
  /** Absent: a lost socket cannot be resumed. */
  resume?: { secret: string; grace_secs: number };
}

export interface ResumeReply {
  seq: number;
  received: number;
  token_expires_at: string;
  ice_servers: IceServerFrame[];
  snapshot?: SnapshotFrame;
}

/** What the server answers: request type to the `data` of its reply. */
export interface Replies {
  hello: HelloReply;
  resume: ResumeReply;
  join: JoinReply;
  publish: { stream_id: string; sdp?: string };
  update_stream: object;
  unpublish: object;
  subscribe: object;
  update_subscription: object;
  unsubscribe: object;
  offer: { sdp: string };
  replace_media: { sdp: string };
  send_message: { not_delivered: string[] };
  send_data: { not_delivered: string[] };
  report_quality: object;
  update_token: { token_expires_at: string };
  ping: object;
  leave: object;
}

export interface Refusal {
  code: string;
  message: string;
  field?: string;
}

/** Which receive line carries what. */
export interface ReceiveLine {
  mid: string;
  stream_id: string;
  kind: "audio" | "video";
}

export type Notice = { seq: number } & (
  | { type: "participant_joined"; participant: ParticipantFrame }
  | { type: "participant_left"; participant_id: string; reason: string }
  | { type: "stream_published"; stream: StreamFrame }
  | { type: "stream_updated"; stream: StreamFrame }
  | { type: "stream_unpublished"; stream_id: string }
  | { type: "connection_changed"; participant_id: string; connected: boolean }
  | { type: "recording_changed"; recording: boolean }
  | ({ type: "speakers" } & SpeakersFrame)
  | { type: "ice_servers_changed"; ice_servers: IceServerFrame[] }
  | { type: "lines_wanted"; audio: number; video: number }
  | { type: "layers_wanted"; stream_id: string; layers: number }
  | { type: "receive"; lines: ReceiveLine[] }
  | { type: "subscription_paused"; stream_id: string; paused: boolean; reason: string }
  | { type: "message"; from: string; message: MessageFrame; recipients: string[]; sent_at: string }
  | { type: "data"; from: string; topic: string; data: string; recipients: string[]; sent_at: string }
);

export type ServerFrame =
  | { type: "reply"; re: number; data: unknown }
  | { type: "error"; re: number; error: Refusal }
  | Notice;
