import type { Participant, State, Stream, Subscription } from "@rotunda/video";
import { expect, it } from "vitest";
import { connectedState } from "../../fixture/state";
import { peopleOf, screenOnStage, tilesOf } from "./people";

type Sketch = [id: string, streams: Record<string, Partial<Stream>>, context?: string];

function stateOf(...sketches: Sketch[]): State {
  const participants = new Map<string, Participant>();
  const streams = new Map<string, Stream>();
  for (const [id, published, context] of sketches) {
    const origin = id === "me" ? "local" : "remote";
    const keys: Record<string, string> = {};
    for (const [key, part] of Object.entries(published)) {
      keys[key] = `${id}-${key}`;
      streams.set(`${id}-${key}`, {
        id: `${id}-${key}`,
        key,
        participantId: id,
        origin,
        isAudioEnabled: true,
        isVideoEnabled: true,
        isAudioCensored: false,
        isVideoCensored: false,
        isConfigured: true,
        ...part,
      });
    }
    participants.set(id, {
      id,
      origin,
      streams: keys,
      canReceiveMessages: true,
      ...(context && { context }),
    });
  }
  return connectedState("me", participants, streams);
}

it("gives everybody a tile, oneself first, and screens and other streams their own", () => {
  const state = stateOf(
    ["a", { presentation: {}, self: {} }],
    ["b", {}],
    ["me", { self: {} }],
    ["cam", { obs: {}, second: {} }],
  );
  expect(tilesOf(state).map(({ id, kind }) => `${id} ${kind}`)).toEqual([
    "me/self person",
    "a/self person",
    "a/presentation screen",
    "b/self person",
    "cam/obs person",
    "cam/second extra",
  ]);
});

it("tells whose picture is paused", () => {
  const state = stateOf(["me", { self: {} }], ["a", { presentation: {}, self: {} }]);
  const subscription = (key: string, videoPaused?: "bandwidth"): [string, Subscription] => [
    key,
    { id: key, participantId: "a", key, audio: true, video: true, ...(videoPaused && { videoPaused }) },
  ];
  const subscriptions = new Map([
    ["a", new Map([subscription("self", "bandwidth"), subscription("presentation")])],
  ]);
  const paused = tilesOf({ ...state, subscriptions }).filter((tile) => tile.videoPaused);
  expect(paused.map(({ id }) => id)).toEqual(["a/self"]);
});

it("tells muted, censored and absent microphones apart", () => {
  const state = stateOf(
    ["me", { self: {} }],
    ["a", { self: { isAudioEnabled: false } }],
    ["b", { self: { isAudioCensored: true } }],
    ["c", { presentation: {} }, '{"name":"Cy"}'],
  );
  expect(peopleOf(state).map(({ microphone }) => microphone)).toEqual(["on", "muted", "censored", "none"]);
  expect(peopleOf(state)[3]).toMatchObject({ name: "Cy", sharing: true, camera: false });
});

it("stages the screen that was shared last, never one's own", () => {
  const tiles = tilesOf(
    stateOf(["me", { presentation: {} }], ["a", { presentation: {} }], ["b", { presentation: {} }]),
  );
  const since = new Map([
    ["me/presentation", 9],
    ["a/presentation", 7],
    ["b/presentation", 3],
  ]);
  expect(screenOnStage(tiles, since)?.id).toBe("a/presentation");
  expect(
    screenOnStage(
      tiles.filter(({ local }) => local),
      since,
    ),
  ).toBeNull();
});
