import { type Call, query, send } from "./client";

// What was measured of a participant's media; api/openapi.yaml says what each field means.

export interface TrackQuality {
  stream_id: string;
  publisher_id?: string;
  key: string;
  kind: "audio" | "video";
  layer?: string;
  bitrate_bps: number;
  packets: number;
  packets_lost: number;
  packets_repaired: number;
  loss: number;
  jitter_ms?: number;
  frames_per_second?: number;
  height?: number;
  frozen_ms: number;
  concealed_ms: number;
  paused_ms: number;
  limited_by?: string;
}

export interface QualitySample {
  interval_secs: number;
  path?: string;
  round_trip_ms?: number;
  available_bps?: number;
  publish: TrackQuality[];
  receive: TrackQuality[];
}

export interface QualityStep {
  measured_at: string;
  client: { name: string; version: string; user_agent: string };
  by_client: QualitySample | null;
  by_server: QualitySample | null;
}

export interface Finding {
  code: string;
  side: string;
  direction: "publish" | "receive" | "both";
  publisher_id?: string;
  text: string;
  duration_secs: number;
  spans: { from: string; until: string }[];
}

export interface Diagnosis {
  from: string;
  until: string;
  resolution_secs: number;
  sentence: string;
  side: string;
  findings: Finding[];
}

interface CursorPage {
  data: QualityStep[];
  meta: { next_cursor: string | null };
}

/** The longest time that is drawn: so many pages of 250 steps. */
const mostPages = 10;

/** The call for one page of what was measured. */
export function qualityCall(
  participantId: string,
  asked: { from?: string; to?: string; resolution: number; cursor?: string },
): Call {
  return {
    method: "GET",
    path: `/room_participants/${participantId}/quality${query({
      resolution_secs: asked.resolution,
      "page[size]": 250,
      "filter[date_measured_at][gte]": asked.from,
      "filter[date_measured_at][lte]": asked.to,
      cursor: asked.cursor,
    })}`,
  };
}

/** All that was measured in a span of time. */
export async function everyStep(
  participantId: string,
  asked: { from?: string; to?: string; resolution: number },
  signal?: AbortSignal,
): Promise<QualityStep[]> {
  const steps: QualityStep[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const call = qualityCall(participantId, { ...asked, ...(cursor !== undefined && { cursor }) });
    const { data, meta } = await send<CursorPage>(call, signal);
    steps.push(...data);
    if (meta.next_cursor === null) break;
    cursor = meta.next_cursor;
  }
  return steps;
}

/** How long the steps of a time are that is so long, in seconds: as those of a diagnosis. */
export function resolutionFor(milliseconds: number): number {
  const hours = milliseconds / 3_600_000;
  return hours <= 3 ? 10 : hours <= 24 ? 60 : 600;
}
