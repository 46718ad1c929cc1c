import { beforeEach, expect, it, vi } from "vitest";
import type { Room } from "../src/index.js";
import { audioTrack } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  bob,
  bobStream,
  connectedRoom,
  participant,
  server,
  stream,
  withServer,
} from "./fakes/server.js";

let room: Room;
let told: string[];
const name = (id: string | null) =>
  id === alice ? "alice" : id === bob ? "bob" : id === null ? "nobody" : "me";

function listenTo(room: Room): void {
  told = [];
  room.on("audio_activity", (id, key, state) => told.push(`${name(id)} ${key} ${state.status}`));
  room.on("audio_activity_ended", (id, key) => told.push(`${name(id)} ${key} ended`));
  room.on("dominant_speaker_changed", (id, state) => {
    expect(state.dominantSpeakerId).toBe(id);
    told.push(`${name(id)} dominant`);
  });
}

withServer({ participants: [participant(alice)], streams: [stream(aliceStream, alice)] });
beforeEach(async () => {
  room = await connectedRoom();
  listenTo(room);
});

const speak = (streams: string[], dominant: string | null = null) =>
  server.notice({ type: "speakers", streams, dominant });

it("pulses every two seconds while somebody speaks, and says when it is over", async () => {
  await room.addSubscription(alice, "self", { audio: true, video: true });
  speak([aliceStream]);
  expect(told).toEqual(["alice self connected"]);
  await vi.advanceTimersByTimeAsync(4_500);
  speak([aliceStream]);
  expect(told).toEqual(Array(3).fill("alice self connected"));
  speak([]);
  await vi.advanceTimersByTimeAsync(4_500);
  expect(told.slice(3)).toEqual(["alice self ended"]);
});

it("tells of those who are heard in the mix alone, without a key", async () => {
  speak([aliceStream]);
  expect(told).toEqual(["alice null connected"]);
  await room.addSubscription(alice, "self", { audio: false, video: true });
  expect(told).toHaveLength(1);
  // The one ends before the other begins, so that who speaks is marked to the last.
  await room.updateSubscription(alice, "self", { audio: true, video: true });
  expect(told.slice(1)).toEqual(["alice null ended", "alice self connected"]);
  await room.removeSubscription(alice, "self");
  expect(told.slice(3)).toEqual(["alice self ended", "alice null connected"]);
});

it("takes all that a participant is heard with in the mix for one voice", () => {
  const screen = "a1a1a1a1-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
  server.notice({ type: "stream_published", stream: stream(screen, alice, { key: "presentation" }) });
  speak([screen]);
  speak([aliceStream, screen]);
  speak([aliceStream]);
  expect(told).toEqual(["alice null connected"]);
  speak([]);
  expect(told).toEqual(["alice null connected", "alice null ended"]);
});

it("tells without a mix of those who are subscribed only", async () => {
  room = await connectedRoom({ mixedAudio: false });
  listenTo(room);
  speak([aliceStream]);
  expect(told).toEqual([]);
  await room.addSubscription(alice, "self", { audio: true, video: true });
  expect(told).toEqual(["alice self connected"]);
});

it("ends at once when the microphone is switched off, a moderator mutes, or the stream goes", () => {
  const off = { enabled: false, censored: false };
  const censored = { enabled: true, censored: true };
  const ends = [
    { type: "stream_updated", stream: stream(aliceStream, alice, { audio: off }) },
    { type: "stream_updated", stream: stream(aliceStream, alice, { audio: censored }) },
    { type: "stream_unpublished", stream_id: aliceStream },
  ] as const;
  for (const end of ends) {
    server.notice({ type: "stream_updated", stream: stream(aliceStream, alice) });
    told = [];
    speak([]);
    speak([aliceStream]);
    server.notice(end);
    expect(told.slice(-2)).toEqual(["alice null connected", "alice null ended"]);
  }
});

it("says nothing of somebody who is gone but that nobody has the word", async () => {
  speak([aliceStream], alice);
  told = [];
  server.notice({ type: "participant_left", participant_id: alice, reason: "left" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual(["nobody dominant"]);
  expect(room.getState().dominantSpeakerId).toBeNull();
});

it("tells of this participant with the key of the stream", async () => {
  await room.addStream("self", { audio: audioTrack() });
  const own = [...room.getState().streams.keys()].find((id) => id !== aliceStream);
  speak([own as string]);
  expect(told).toEqual(["me self connected"]);
});

it("tells who has the word, once for each change", () => {
  expect(room.getState().dominantSpeakerId).toBeNull();
  speak([aliceStream], alice);
  speak([], alice);
  speak([], room.getState().localParticipantId);
  expect(told.filter((line) => line.endsWith("dominant"))).toEqual(["alice dominant", "me dominant"]);
});

it("knows who speaks from the beginning", async () => {
  server.participants = [participant(alice), participant(bob)];
  server.streams = [stream(aliceStream, alice), stream(bobStream, bob)];
  server.speakers = { streams: [bobStream], dominant: alice };
  const late = await connectedRoom();
  expect(late.getState().dominantSpeakerId).toBe(alice);
  listenTo(late);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(told).toEqual(["bob null connected"]);
});

it("is silent after the end", async () => {
  speak([aliceStream], alice);
  told = [];
  await room.disconnect();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([]);
});
