// What the REST API answers, as far as the portal reads it; api/openapi.yaml says what each field means.

export type Right = "read" | "media" | "moderate" | "tokens" | "write" | "administer";
export type Role = "owner" | "developer" | "support" | "viewer";
export type KeyRights = "admin" | "read-only" | "tokens-only";

export interface Member {
  id: string;
  email: string;
  name: string;
  role: Role;
  has_password: boolean;
  /** Whether they signed in by the provider. */
  oidc: boolean;
  created_at: string;
  last_login_at: string | null;
}

/** The ways into the portal. */
export interface SignInMethods {
  passwords: "all" | "owners";
  oidc: { name: string; sets_roles: boolean } | null;
}

export interface PortalSession {
  member: Member;
  rights: Right[];
  csrf_token: string;
  expires_at: string;
}

export interface Room {
  id: string;
  unique_name: string | null;
  max_participants: number;
  enable_recording: boolean;
  webhook_event_url: string | null;
  recording_retention_days: number | null;
  active_session_id?: string;
  created_at: string;
  updated_at: string;
}

export interface Participant {
  id: string;
  session_id: string;
  context: string | null;
  joined_at: string;
  left_at: string | null;
  left_reason: string | null;
}

export interface Session {
  id: string;
  room_id: string;
  active: boolean;
  created_at: string;
  ended_at: string | null;
  ended_reason: string | null;
  participants?: Participant[];
}

export interface Tokens {
  token: string;
  token_expires_at: string;
}

export interface ApiKey {
  id: string;
  name: string;
  rights: KeyRights;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  last_user_agent: string | null;
}

export interface NewApiKey extends ApiKey {
  api_key: string;
}

export interface PasswordLink {
  link_url: string;
  link_expires_at: string;
}

export interface AuditEvent {
  id: string;
  at: string;
  action: string;
  object_id: string | null;
  detail: string | null;
  actor: {
    api_key_name: string | null;
    member_name: string | null;
    address: string | null;
    user_agent: string | null;
    request_id: string | null;
  };
}

export interface Overview {
  at: string;
  rooms: number;
  active_sessions: number;
  active_participants: number;
  processing_recordings: number;
  waiting_compositions: number;
  processing_compositions: number;
  pending_deliveries: number;
  failed_deliveries: number;
  refused_joins: number;
  machine: { cpu_percent: number | null; disk_free_mb: number | null; disk_total_mb: number | null };
}

export interface Activity {
  step_secs: number;
  spans: {
    at: string;
    joins: number;
    lost_connections: number;
    refused_joins: number;
    participants: number;
    participant_minutes: number;
  }[];
}

export interface SystemCheck {
  name: string;
  level: "ok" | "warn" | "fail" | "skipped";
  found: string;
  setting?: string;
}

export interface Failure {
  code: string;
  title: string;
  detail: string;
}

export interface Recording {
  id: string;
  room_id: string;
  session_id: string;
  participant_id: string;
  stream_key: string | null;
  status: "processing" | "completed" | "failed";
  error: Failure | null;
  waiting: Failure | null;
  type: "audio" | "video";
  codec: string | null;
  size_mb: number;
  duration_secs: number;
  download_url: string | null;
  index_url: string | null;
  started_at: string;
  ended_at: string | null;
  completed_at: string | null;
}

export interface Region {
  x_pos: number;
  y_pos: number;
  z_pos: number;
  width: number | null;
  height: number | null;
  max_columns: number | null;
  max_rows: number | null;
  video_sources: string[];
}

export type Format = "mp4" | "webm" | "m4a" | "ogg";

/** What a composition is made by. */
export interface Order {
  session_id: string;
  format: Format;
  resolution: string;
  layout: { grid: "reflow" | "fixed"; fit: "letterbox" | "crop"; labels: boolean };
  video_layout: Record<string, Region>;
  audio_sources: string[];
  webhook_event_url?: string | null;
  webhook_event_failover_url?: string | null;
  webhook_timeout_secs?: number | null;
}

export interface Composition extends Order {
  id: string;
  room_id: string;
  status: "enqueued" | "processing" | "completed" | "failed";
  error: Failure | null;
  waiting: Failure | null;
  progress: number;
  warnings: string[];
  av_offset_ms: number | null;
  speed: number | null;
  size_mb: number;
  duration_secs: number;
  download_url: string | null;
  started_at: string | null;
  completed_at: string | null;
  created_at: string;
}

/** Somebody who was turned away at the door of a session. */
export interface RefusedJoin {
  id: string;
  room_id: string;
  session_id: string;
  participant_id: string;
  reason: string;
  occurred_at: string;
}

/** What a search found, of each kind ten at most. */
export interface Found {
  rooms: Room[];
  room_sessions: Session[];
  room_participants: Participant[];
  room_recordings: Recording[];
  room_compositions: Composition[];
}

export interface Page<T> {
  data: T[];
  meta: { total_pages: number; total_results: number; page_number: number; page_size: number };
}
