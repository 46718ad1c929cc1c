import type { Participant, State, Stream } from "@rotunda/video";
import { readName } from "./context";

/** The key under which the shared screen is published. */
export const screenKey = "presentation";
/** The key of camera and microphone. */
export const selfKey = "self";

export interface Person {
  id: string;
  name: string;
  local: boolean;
  canReceiveMessages: boolean;
  microphone: "on" | "muted" | "censored" | "none";
  camera: boolean;
  sharing: boolean;
}

/** One picture on the stage: a person, or something else a person publishes. */
export interface TileSpec {
  /** `participant id/stream key`, stable as long as it is on the stage. */
  id: string;
  participantId: string;
  key: string;
  kind: "person" | "screen" | "extra";
  name: string;
  local: boolean;
  stream: Stream | null;
  microphone: Person["microphone"];
  videoCensored: boolean;
  /** It is not received for now: the network carries too little. */
  videoPaused: boolean;
}

export function peopleOf(state: State): Person[] {
  return inOrder(state).map((participant) => {
    const main = mainStream(participant, state);
    return {
      id: participant.id,
      name: readName(participant.context),
      local: participant.origin === "local",
      canReceiveMessages: participant.canReceiveMessages,
      microphone: microphoneOf(main),
      camera: main?.isVideoEnabled ?? false,
      sharing: participant.streams[screenKey] !== undefined,
    };
  });
}

/** Everything that deserves a tile: each person once, oneself first, then what they publish besides. */
export function tilesOf(state: State): TileSpec[] {
  return inOrder(state).flatMap((participant) => {
    const main = mainStream(participant, state);
    const name = readName(participant.context);
    const tile = (key: string, kind: TileSpec["kind"], stream: Stream | null): TileSpec => ({
      id: `${participant.id}/${key}`,
      participantId: participant.id,
      key,
      kind,
      name,
      local: participant.origin === "local",
      stream,
      microphone: microphoneOf(stream),
      videoCensored: stream?.isVideoCensored ?? false,
      videoPaused: state.subscriptions.get(participant.id)?.get(key)?.videoPaused !== undefined,
    });
    const others = Object.entries(participant.streams).flatMap(([key, id]) => {
      const stream = state.streams.get(id);
      if (!stream || stream === main) return [];
      return [tile(key, key === screenKey ? "screen" : "extra", stream)];
    });
    return [tile(main?.key ?? selfKey, "person", main), ...others];
  });
}

/** The screen that takes the room: the one shared last by somebody else. One's own would only mirror itself. */
export function screenOnStage(
  tiles: readonly TileSpec[],
  since: ReadonlyMap<string, number>,
): TileSpec | null {
  let latest: TileSpec | null = null;
  for (const tile of tiles) {
    if (tile.kind !== "screen" || tile.local) continue;
    if (!latest || (since.get(tile.id) ?? 0) >= (since.get(latest.id) ?? 0)) latest = tile;
  }
  return latest;
}

function inOrder(state: State): Participant[] {
  const all = [...state.participants.values()];
  return [...all.filter((one) => one.origin === "local"), ...all.filter((one) => one.origin !== "local")];
}

/** Camera and microphone: the stream called `self`, or for clients with other customs their first that is no screen. */
function mainStream(participant: Participant, state: State): Stream | null {
  const keys = Object.keys(participant.streams);
  const key = keys.includes(selfKey) ? selfKey : keys.find((other) => other !== screenKey);
  const id = key === undefined ? undefined : participant.streams[key];
  return (id !== undefined && state.streams.get(id)) || null;
}

function microphoneOf(stream: Stream | null): Person["microphone"] {
  if (!stream) return "none";
  if (stream.isAudioCensored) return "censored";
  return stream.isAudioEnabled ? "on" : "muted";
}
