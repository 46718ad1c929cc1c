/** What the server says of itself; api/openapi.yaml says what each field means. */
export interface System {
  version: string;
  go_version: string;
  started_at: string;
  uptime_secs: number;
  database: string;
  media_store: string;
  metrics_url: string | null;
  settings: Setting[];
  certificates: Certificate[];
  retention: {
    what: string;
    setting: string;
    secs: number | null;
    kept: "for_ever" | "for_a_time" | "not_at_all";
  }[];
}

export interface Setting {
  name: string;
  value: string | null;
  secret: boolean;
  set: boolean;
  source: "default" | "file" | "environment" | "flag";
  variable: string;
  flag: string | null;
}

export interface Certificate {
  names: string[];
  source: "file" | "acme";
  issuer: string | null;
  expires_at: string | null;
  error: string | null;
}

export interface StorageTest {
  tested_at: string;
  ok: boolean;
  place: string;
  took_ms: number;
  error: string | null;
}

/** A length of time in the two largest units, such as 3 d 4 h. */
export function duration(secs: number): string {
  const parts: [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = parts.findIndex(([length]) => secs >= length);
  if (first < 0) return "0 s";
  let left = secs;
  return parts
    .slice(first, first + 2)
    .map(([length, unit]) => {
      const n = Math.floor(left / length);
      left -= n * length;
      return n > 0 ? `${n} ${unit}` : "";
    })
    .filter(Boolean)
    .join(" ");
}
