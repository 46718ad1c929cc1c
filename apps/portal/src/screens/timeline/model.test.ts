import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../../api/history";
import { tell } from "./model";

/** Events a second apart, from 0 on. */
function story(...events: (Partial<SessionEvent> & { type: string })[]) {
  return tell(
    events.map((event, i) => ({
      cursor: String(i + 1),
      occurred_at: new Date(i * 1000 + 1).toISOString(),
      ...event,
    })),
  );
}

const at = (second: number) => second * 1000 + 1;
const on = { from: at(1), to: Number.POSITIVE_INFINITY };
const ada = { participant_id: "ada" };
const camera = { ...ada, stream_id: "camera", key: "self" };

describe("the story of a session", () => {
  it("has a lane for each stay, which ends with a leaving", () => {
    const told = story(
      { type: "session_started" },
      { type: "participant_joined", ...ada },
      { type: "participant_left", ...ada },
    );
    expect(told).toMatchObject({ began: at(0), ended: null, latest: at(2) });
    expect(told.lanes).toMatchObject([{ id: "ada", stay: { from: at(1), to: at(2) } }]);
  });

  it("ends everything with the session", () => {
    const told = story(
      { type: "session_started" },
      { type: "participant_joined", ...ada },
      { type: "stream_published", ...camera, audio: true, video: true },
      { type: "recording_started", ...camera, kind: "video" },
      { type: "participant_muted", ...ada },
      { type: "session_ended" },
    );
    const lane = told.lanes[0];
    expect(told.ended).toBe(at(5));
    expect(lane?.stay.to).toBe(at(5));
    expect(lane?.muted).toEqual([{ from: at(4), to: at(5) }]);
    expect(lane?.streams[0]?.span.to).toBe(at(5));
    expect(lane?.streams[0]?.recorded).toEqual([{ from: at(3), to: at(5) }]);
  });

  it("takes a connection for lost while either part of it is", () => {
    const told = story(
      { type: "session_started" },
      { type: "participant_joined", ...ada },
      { type: "connection_lost", ...ada },
      { type: "media_lost", ...ada },
      { type: "connection_resumed", ...ada },
      { type: "media_connected", ...ada },
      { type: "media_lost", ...ada },
    );
    expect(told.lanes[0]?.lost).toEqual([
      { from: at(2), to: at(5) },
      { from: at(6), to: on.to },
    ]);
  });

  it("takes a stream for switched off when all of it is", () => {
    const told = story(
      { type: "session_started" },
      { type: "participant_joined", ...ada },
      { type: "stream_published", ...camera, audio: true, video: false },
      { type: "track_disabled", ...camera, kind: "audio" },
      { type: "track_enabled", ...camera, kind: "video" },
    );
    expect(told.lanes[0]?.streams[0]?.off).toEqual([{ from: at(3), to: at(4) }]);
  });

  it("marks layers, pauses and refusals, and passes over what it does not know", () => {
    const told = story(
      { type: "participant_joined", ...ada },
      { type: "layer_changed", ...ada, stream_id: "other", layer: "h" },
      { type: "video_paused", ...ada, stream_id: "other" },
      { type: "subscription_ended", ...ada, stream_id: "other" },
      { type: "join_refused", participant_id: "bo", reason: "room_full" },
      { type: "track_enabled", participant_id: "nobody", stream_id: "nothing" },
      { type: "of_tomorrow" },
    );
    expect(told.lanes).toHaveLength(1);
    expect(told.lanes[0]).toMatchObject({ layers: [at(1)], paused: [{ from: at(2), to: at(3) }] });
    expect(told.refusals).toEqual([at(4)]);
  });

  it("holds ten thousand events of two hundred people", () => {
    const people = Array.from({ length: 200 }, (_, i) => ({ participant_id: `p${i}`, stream_id: `s${i}` }));
    const events: (Partial<SessionEvent> & { type: string })[] = [{ type: "session_started" }];
    for (const person of people) events.push({ type: "participant_joined", ...person });
    for (const person of people)
      events.push({ type: "stream_published", ...person, audio: true, video: true });
    while (events.length < 10_000) {
      const n = events.length;
      events.push({
        type: n % 2 ? "track_disabled" : "layer_changed",
        ...people[n % 200],
        kind: n % 3 ? "audio" : "video",
      });
    }
    const told = story(...events);
    expect(told.lanes).toHaveLength(200);
    expect(told.latest).toBe(at(9_999));
  });
});
