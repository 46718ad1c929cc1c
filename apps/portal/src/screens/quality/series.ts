import type { Finding, QualitySample, QualityStep, TrackQuality } from "../../api/quality";
import type { Line } from "../../ui/lines";

export interface ChartData {
  id: string;
  title: string;
  unit: string;
  lines: Line[];
  /** The findings that this chart has evidence of. */
  shows: string[];
}

export interface Charts {
  times: number[]; // seconds
  publish: ChartData[];
  receive: ChartData[];
}

/** What is drawn of the steps of a participant, in which gaps are gaps. */
export function chart(steps: QualityStep[], resolution: number): Charts {
  const byTime = new Map(steps.map((step) => [Math.round(Date.parse(step.measured_at) / 1000), step]));
  const known = [...byTime.keys()].sort((a, b) => a - b);
  const times = everyStep(known, resolution);
  const line = (name: string, colour: Line["colour"], of: (step: QualityStep) => number | null): Line => ({
    name,
    colour,
    values: times.map((time) => {
      const step = byTime.get(time);
      return step ? of(step) : null;
    }),
  });
  const drawn = (charts: ChartData[]) =>
    charts.map((each) => ({ ...each, lines: each.lines.filter(isKnown) }));
  return { times, publish: drawn(publishCharts(line)), receive: drawn(receiveCharts(line)) };
}

type MakeLine = (name: string, colour: Line["colour"], of: (step: QualityStep) => number | null) => Line;

function publishCharts(line: MakeLine): ChartData[] {
  return [
    {
      id: "publish-rate",
      title: "Bit rate sent",
      unit: "kbit/s",
      shows: ["uplink_narrow", "cpu_limited", "connection_lost"],
      lines: [
        line("Picture", "accent", (step) => rate(step.by_client ?? step.by_server, "publish", "video")),
        line("Sound", "muted", (step) => rate(step.by_client ?? step.by_server, "publish", "audio")),
      ],
    },
    {
      id: "publish-loss",
      title: "Loss on the way to the server",
      unit: "%",
      shows: ["uplink_loss", "connection_lost"],
      lines: [
        line("Lost", "danger", (step) => lossOf(step.by_server?.publish, false)),
        line("Repaired", "muted", (step) => repairedOf(step.by_server?.publish)),
      ],
    },
    {
      id: "round-trip",
      title: "Round trip and jitter at the server",
      unit: "ms",
      shows: ["high_round_trip", "connection_lost"],
      lines: [
        line("Round trip", "warning", (step) => roundTrip(step)),
        line("Jitter", "muted", (step) => worst(step.by_server?.publish, ({ jitter_ms: ms }) => ms)),
      ],
    },
    {
      id: "pictures",
      title: "Pictures sent a second",
      unit: "",
      shows: ["cpu_limited", "uplink_narrow"],
      lines: [
        line("Pictures", "accent", (step) => worst(step.by_client?.publish, ({ frames_per_second: n }) => n)),
      ],
    },
  ];
}

function receiveCharts(line: MakeLine): ChartData[] {
  return [
    {
      id: "receive-rate",
      title: "Bit rate received",
      unit: "kbit/s",
      shows: ["downlink_narrow", "connection_lost"],
      lines: [
        line("Pictures", "text", (step) => rate(step.by_client ?? step.by_server, "receive", "video")),
        line("Sound", "muted", (step) => rate(step.by_client ?? step.by_server, "receive", "audio")),
      ],
    },
    {
      id: "receive-loss",
      title: "Loss on the way from the server",
      unit: "%",
      shows: ["downlink_loss", "connection_lost"],
      lines: [
        line("Lost", "danger", (step) =>
          step.by_client ? lossOf(step.by_client.receive, false) : lossOf(step.by_server?.receive, true),
        ),
      ],
    },
    {
      id: "receive-jitter",
      title: "Jitter at the client",
      unit: "ms",
      shows: ["jitter"],
      lines: [
        line("Sound", "warning", (step) =>
          worst(step.by_client?.receive, ({ kind, jitter_ms: ms }) => (kind === "audio" ? ms : undefined)),
        ),
        line("Pictures", "muted", (step) =>
          worst(step.by_client?.receive, ({ kind, jitter_ms: ms }) => (kind === "video" ? ms : undefined)),
        ),
      ],
    },
    {
      id: "interruptions",
      title: "Interruptions, of each second",
      unit: "%",
      shows: ["publisher", "interrupted", "downlink_narrow", "downlink_loss"],
      lines: [
        line("Frozen", "danger", (step) => share(step.by_client, ({ frozen_ms: ms }) => ms)),
        line("Made up", "warning", (step) => share(step.by_client, ({ concealed_ms: ms }) => ms)),
        line("Held back", "muted", (step) => share(step.by_server, ({ paused_ms: ms }) => ms)),
      ],
    },
  ];
}

/** All times from the first to the last, so that a line breaks where nothing was measured; of a very long time, those that are known. */
function everyStep(known: number[], resolution: number): number[] {
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  const count = Math.round((last - first) / resolution) + 1;
  if (count > 5000) return known;
  return Array.from({ length: count }, (_, i) => first + i * resolution);
}

function isKnown(line: Line): boolean {
  return line.values.some((value) => value !== null);
}

function rate(sample: QualitySample | null, way: "publish" | "receive", kind: string): number | null {
  const tracks = sample?.[way].filter((track) => track.kind === kind);
  if (!tracks || tracks.length === 0) return null;
  return tracks.reduce((sum, { bitrate_bps: bps }) => sum + bps, 0) / 1000;
}

/** The part of the packets that was lost; packets are those that came, or those sent. */
function lossOf(tracks: TrackQuality[] | undefined, sent: boolean): number | null {
  return part(tracks, ({ packets_lost: lost }) => lost, sent);
}

function repairedOf(tracks: TrackQuality[] | undefined): number | null {
  return part(tracks, ({ packets_repaired: repaired }) => repaired, false);
}

function part(
  tracks: TrackQuality[] | undefined,
  of: (track: TrackQuality) => number,
  sent: boolean,
): number | null {
  let [some, all] = [0, 0];
  for (const track of tracks ?? []) {
    some += of(track);
    all += track.packets + (sent ? 0 : track.packets_lost);
  }
  return all === 0 ? null : Math.min((some / all) * 100, 100);
}

function worst(
  tracks: TrackQuality[] | undefined,
  of: (track: TrackQuality) => number | undefined,
): number | null {
  const values = (tracks ?? []).map(of).filter((value) => value !== undefined);
  return values.length === 0 ? null : Math.max(...values);
}

function share(sample: QualitySample | null, of: (track: TrackQuality) => number): number | null {
  if (!sample || sample.receive.length === 0) return null;
  const most = Math.max(...sample.receive.map(of));
  return Math.min((most / 10 / Math.max(sample.interval_secs, 0.001)) * 1, 100);
}

function roundTrip(step: QualityStep): number | null {
  return step.by_client?.round_trip_ms ?? step.by_server?.round_trip_ms ?? null;
}

const paths: Record<string, string> = {
  udp: "UDP",
  tcp: "TCP",
  relay_udp: "relay over UDP",
  relay_tcp: "relay over TCP",
  relay_tls: "relay over TLS",
};

/** The ways that media took, one after another, and from when on. */
export function pathsOf(steps: QualityStep[]): { path: string; from: number }[] {
  const taken: { path: string; from: number }[] = [];
  for (const step of steps) {
    const path = step.by_client?.path ?? step.by_server?.path;
    if (path === undefined) continue;
    const name = paths[path] ?? path;
    if (taken.at(-1)?.path !== name) taken.push({ path: name, from: Date.parse(step.measured_at) });
  }
  return taken;
}

/** A browser and its system as they call themselves, in short. */
export function browserOf(agent: string): string {
  const browser =
    /(Firefox|Edg|OPR)\/(\d+)/.exec(agent) ??
    /(Chrome)\/(\d+)/.exec(agent) ??
    /(Version)\/(\d+).*Safari/.exec(agent);
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", Version: "Safari" };
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux)/.exec(agent)?.[1];
  if (!browser?.[1]) return agent;
  const name = `${names[browser[1]] ?? browser[1]} ${browser[2]}`;
  return system ? `${name} on ${system.replace("Mac OS X", "macOS").replace("CrOS", "ChromeOS")}` : name;
}

/** The letter by which a finding is marked in the charts. */
export function letterOf(findings: Finding[], finding: Finding): string {
  return String.fromCharCode(65 + findings.indexOf(finding));
}
