import type { LiveParticipant, LiveSession, TrackQuality } from "../../api/liveSession";

/** How long a name may be that is shown. */
const nameLimit = 60;

/** The name in a context: JSON with `name` or `username`, or a bare name. Contexts are the applications' own, so everything is allowed for. */
export function nameOf(context: string | null): string | undefined {
  if (!context) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(context);
  } catch {
    value = context;
  }
  if (typeof value === "object" && value !== null) {
    const { name, username } = value as { name?: unknown; username?: unknown };
    value = typeof name === "string" && name.trim() ? name : username;
  }
  const line = typeof value === "string" ? value.replace(/\s+/g, " ").trim() : "";
  if (line === "") return undefined;
  return line.length <= nameLimit ? line : `${line.slice(0, nameLimit - 1)}…`;
}

/** What a participant is called here. */
export function called(person: { id: string; context: string | null }): string {
  return nameOf(person.context) ?? `Participant ${person.id.slice(0, 8)}`;
}

export const countOf = (n: number) => `${n} ${n === 1 ? "person" : "people"}`;

/** Whom a moderator means: those chosen, or all but them. */
export interface Selection {
  allBut: boolean;
  chosen: ReadonlySet<string>;
}

/** Those of the people who are meant. */
export function meant<T extends { id: string }>({ allBut, chosen }: Selection, people: readonly T[]): T[] {
  return people.filter(({ id }) => chosen.has(id) !== allBut);
}

/** The selection as the API takes it. "All" also holds for those who come later, and names nobody who has left. */
export function selector(
  { allBut, chosen }: Selection,
  people: readonly { id: string }[],
): { participants: string[] | "all"; exclude?: string[] } {
  const ids = people.map(({ id }) => id).filter((id) => chosen.has(id));
  if (!allBut) return { participants: ids };
  return ids.length === 0 ? { participants: "all" } : { participants: "all", exclude: ids };
}

/** One line of what is published: the sound of a stream, or a layer of its picture. */
export interface SentLine {
  id: string;
  streamId: string;
  key: string;
  kind: "audio" | "video";
  layer: string;
  state: string;
  size: string;
  bitrate: number | undefined;
  loss: number | undefined;
  /** How many take it; of a picture, this layer of it. */
  takers: number;
  recorded: boolean;
}

/** What a participant sends, one line for each sound and each layer of a picture. */
export function sentBy(person: LiveParticipant, session: LiveSession): SentLine[] {
  return person.streams.flatMap((stream) =>
    (["audio", "video"] as const).flatMap((kind) => {
      const switches = stream[kind];
      if (!switches) return [];
      const measured =
        person.measured?.publish.filter((track) => track.stream_id === stream.id && track.kind === kind) ??
        [];
      const layers: (TrackQuality | undefined)[] = measured.length > 0 ? measured : [undefined];
      return layers.map((track) => ({
        id: `${stream.id}/${kind}/${track?.layer ?? ""}`,
        streamId: stream.id,
        key: stream.key,
        kind,
        layer: track?.layer ?? "",
        state: switches.censored ? "Muted by a moderator" : switches.enabled ? "On" : "Off",
        size: sizeOf(track),
        bitrate: track?.bitrate_bps,
        loss: track?.loss,
        takers: takersOf(session, stream.id, kind, track?.layer),
        recorded: stream.recorded,
      }));
    }),
  );
}

function takersOf(
  session: LiveSession,
  streamId: string,
  kind: "audio" | "video",
  layer: string | undefined,
): number {
  return session.participants.filter(({ subscriptions, measured }) => {
    const subscription = subscriptions.find(({ stream_id }) => stream_id === streamId);
    if (!subscription?.[kind]) return false;
    if (kind === "audio" || layer === undefined) return true;
    return measured?.receive.some(
      (track) => track.stream_id === streamId && track.kind === "video" && track.layer === layer,
    );
  }).length;
}

/** One line of what is received. */
export interface TakenLine {
  id: string;
  from: string;
  key: string;
  kind: "audio" | "video";
  layer: string;
  state: string;
  size: string;
  bitrate: number | undefined;
  loss: number | undefined;
}

/** What a participant takes of others, one line for each kind of each stream. */
export function takenBy(person: LiveParticipant, session: LiveSession): TakenLine[] {
  const owners = new Map(
    session.participants.flatMap((owner) => owner.streams.map((stream) => [stream.id, { owner, stream }])),
  );
  return person.subscriptions.flatMap((subscription) => {
    const published = owners.get(subscription.stream_id);
    if (!published) return [];
    const { owner, stream } = published;
    return (["audio", "video"] as const)
      .filter((kind) => subscription[kind] && stream[kind])
      .map((kind) => {
        const track = person.measured?.receive.find(
          (each) => each.stream_id === stream.id && each.kind === kind,
        );
        return {
          id: `${stream.id}/${kind}`,
          from: called(owner),
          key: stream.key,
          kind,
          layer: track?.layer ?? "",
          state: takenState(kind === "video" && subscription.hidden, track),
          size: sizeOf(track),
          bitrate: track?.bitrate_bps,
          loss: track?.loss,
        };
      });
  });
}

function takenState(hidden: boolean, track: TrackQuality | undefined): string {
  if (hidden) return "Out of sight";
  return track && track.paused_ms > 0 ? "Paused: path too narrow" : "";
}

function sizeOf(track: TrackQuality | undefined): string {
  return track?.width && track.height ? `${track.width}×${track.height}` : "";
}

/** A bit rate in words. */
export function rate(bps: number | undefined): string {
  if (bps === undefined) return "–";
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1_000)} kbit/s`;
}

/** A part of one in words. */
export function percent(part: number | undefined): string {
  return part === undefined ? "–" : `${(part * 100).toFixed(1)} %`;
}

const paths: Record<string, string> = { udp: "UDP", tcp: "TCP" };

/** How a participant's media goes. */
export function pathOf({ measured }: LiveParticipant): string {
  if (!measured?.path) return "Media not connected";
  const path = paths[measured.path] ?? measured.path;
  return measured.round_trip_ms ? `${path}, ${Math.round(measured.round_trip_ms)} ms` : path;
}
