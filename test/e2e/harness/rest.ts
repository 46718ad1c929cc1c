export interface RoomRecord {
  id: string;
  unique_name: string | null;
  max_participants: number;
  active_session_id?: string;
}

export interface SessionRecord {
  id: string;
  room_id: string;
  active: boolean;
  ended_at: string | null;
  ended_reason: string | null;
  participants?: ParticipantRecord[];
}

export interface ParticipantRecord {
  id: string;
  session_id: string;
  context: string | null;
  joined_at: string;
  left_at: string | null;
  left_reason: string | null;
}

export interface Tokens {
  token: string;
  refresh_token: string;
}

/** What can be downloaded once it is completed. */
export interface MediaRecord {
  id: string;
  room_id: string;
  session_id: string;
  size_mb: number;
  duration_secs: number;
  download_url: string | null;
}

export interface CompositionRecord extends MediaRecord {
  status: "enqueued" | "processing" | "completed" | "failed";
  warnings: string[];
}

export interface RecordingRecord extends MediaRecord {
  participant_id: string;
  stream_key: string;
  status: "processing" | "completed" | "failed";
  type: "audio" | "video";
  codec: string;
  started_at: string;
  ended_at: string | null;
  completed_at: string | null;
}

export interface TrackQuality {
  stream_id: string;
  publisher_id?: string;
  key: string;
  kind: "audio" | "video";
  bitrate_bps: number;
  packets: number;
  loss: number;
  width?: number;
  height?: number;
  frames_per_second?: number;
}

export interface QualitySample {
  interval_secs: number;
  path?: string;
  round_trip_ms?: number;
  publish: TrackQuality[];
  receive: TrackQuality[];
}

/** What both ends measured of a participant in a step of time. */
export interface QualityStep {
  participant_id: string;
  measured_at: string;
  client: { name: string; version: string; user_agent: string };
  by_client: QualitySample | null;
  by_server: QualitySample | null;
}

interface Moderated {
  result: "ok";
  participants: string[];
}

/** An answer of the server that is not a success. */
export class RestError extends Error {
  constructor(
    readonly status: number,
    readonly codes: string[],
    text: string,
  ) {
    super(`${status}: ${text}`);
  }
}

/** As much of the REST API as the tests need. */
export class Rest {
  constructor(
    private readonly url: () => string,
    private readonly apiKey: string,
  ) {}

  createRoom(
    settings: { unique_name?: string; max_participants?: number; enable_recording?: boolean } = {},
  ): Promise<RoomRecord> {
    return this.#data("POST", "/rooms", settings);
  }

  room(id: string): Promise<RoomRecord> {
    return this.#data("GET", `/rooms/${id}`);
  }

  async deleteRoom(id: string): Promise<void> {
    await this.#ask("DELETE", `/rooms/${id}`);
  }

  tokens(
    roomId: string,
    wishes: { token_ttl_secs?: number; grants?: Record<string, boolean> } = {},
  ): Promise<Tokens> {
    return this.#data("POST", `/rooms/${roomId}/actions/generate_join_client_token`, wishes);
  }

  async refreshedToken(roomId: string, refreshToken: string, seconds?: number): Promise<string> {
    const wishes = { refresh_token: refreshToken, ...(seconds && { token_ttl_secs: seconds }) };
    const path = `/rooms/${roomId}/actions/refresh_client_token`;
    return (await this.#data<{ token: string }>("POST", path, wishes)).token;
  }

  session(id: string): Promise<SessionRecord> {
    return this.#data("GET", `/room_sessions/${id}?include_participants=true`);
  }

  participants(): Promise<ParticipantRecord[]> {
    return this.#data("GET", "/room_participants");
  }

  participant(id: string): Promise<ParticipantRecord> {
    return this.#data("GET", `/room_participants/${id}`);
  }

  quality(participantId: string, seconds = 10): Promise<QualityStep[]> {
    return this.#data("GET", `/room_participants/${participantId}/quality?resolution_secs=${seconds}`);
  }

  latestQuality(sessionId: string): Promise<QualityStep[]> {
    return this.#data("GET", `/room_sessions/${sessionId}/quality`);
  }

  participantsOf(sessionId: string): Promise<ParticipantRecord[]> {
    return this.#data("GET", `/room_sessions/${sessionId}/participants`);
  }

  /** Has a moderator act on a session; returns the ids of those it changed. */
  async moderate(
    sessionId: string,
    action: "mute" | "unmute" | "kick" | "start_recording" | "stop_recording",
    participants: "all" | string[],
    exclude: string[] = [],
  ): Promise<string[]> {
    const path = `/room_sessions/${sessionId}/actions/${action}`;
    return (await this.#data<Moderated>("POST", path, { participants, exclude })).participants;
  }

  recordings(sessionId: string): Promise<RecordingRecord[]> {
    return this.#data("GET", `/room_recordings?filter[session_id]=${sessionId}`);
  }

  async deleteRecording(id: string): Promise<void> {
    await this.#ask("DELETE", `/room_recordings/${id}`);
  }

  compose(order: { session_id: string; resolution?: string }): Promise<CompositionRecord> {
    return this.#data("POST", "/room_compositions", order);
  }

  composition(id: string): Promise<CompositionRecord> {
    return this.#data("GET", `/room_compositions/${id}`);
  }

  async endSession(id: string): Promise<string[]> {
    return (await this.#data<Moderated>("POST", `/room_sessions/${id}/actions/end`)).participants;
  }

  async #data<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.#ask(method, path, body);
    return ((await answer.json()) as { data: T }).data;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Response> {
    const answer = await fetch(`${this.url()}/v2${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) return answer;
    const text = await answer.text();
    const { errors } = JSON.parse(text) as { errors: { code: string }[] };
    throw new RestError(
      answer.status,
      errors.map(({ code }) => code),
      text,
    );
  }
}
