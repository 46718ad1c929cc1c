import { describe, expect, it } from "vitest";
import type { LiveParticipant, LiveSession, TrackQuality } from "../../api/liveSession";
import { called, meant, nameOf, pathOf, percent, rate, selector, sentBy, takenBy } from "./people";

describe("a name", () => {
  it("is found in what applications write", () => {
    expect(nameOf('{"name":"Ada"}')).toBe("Ada");
    expect(nameOf('{"id":17,"username":"Bo"}')).toBe("Bo");
    expect(nameOf(" Cy \n Young ")).toBe("Cy Young");
    expect(nameOf('"Dee"')).toBe("Dee");
    expect(nameOf("x".repeat(90))).toHaveLength(60);
  });

  it("is made up where there is none", () => {
    for (const context of [null, "", "{}", "[1]", "17", "null"]) expect(nameOf(context)).toBeUndefined();
    expect(called({ id: "7b1e9a34-2f5c", context: "{}" })).toBe("Participant 7b1e9a34");
  });
});

describe("a selection", () => {
  const people = [{ id: "a" }, { id: "b" }, { id: "c" }];
  const chosen = new Set(["b", "gone"]);

  it("of some names those who are there", () => {
    expect(selector({ allBut: false, chosen }, people)).toEqual({ participants: ["b"] });
    expect(meant({ allBut: false, chosen }, people)).toEqual([{ id: "b" }]);
  });

  it("of all but some excludes them", () => {
    expect(selector({ allBut: true, chosen }, people)).toEqual({ participants: "all", exclude: ["b"] });
    expect(meant({ allBut: true, chosen }, people)).toEqual([{ id: "a" }, { id: "c" }]);
    expect(selector({ allBut: true, chosen: new Set() }, people)).toEqual({ participants: "all" });
  });
});

describe("what goes on in a session", () => {
  const track = (more: Partial<TrackQuality>): TrackQuality => ({
    stream_id: "s",
    key: "self",
    kind: "video",
    bitrate_bps: 900_400,
    loss: 0.015,
    paused_ms: 0,
    ...more,
  });
  const person = (id: string, more: Partial<LiveParticipant>): LiveParticipant => ({
    id,
    context: id,
    joined_at: "2026-11-28T08:00:00Z",
    watcher: false,
    connection_lost: false,
    muted: false,
    recorded: false,
    streams: [],
    subscriptions: [],
    client: null,
    measured: null,
    ...more,
  });
  const takes = (layer: string, more: Partial<TrackQuality> = {}, hidden = false) => ({
    subscriptions: [{ stream_id: "s", audio: true, video: true, quality: "high", hidden }],
    measured: {
      interval_secs: 2,
      publish: [],
      receive: [track({ publisher_id: "Ada", layer, ...more })],
    },
  });
  const ada = person("Ada", {
    streams: [
      {
        id: "s",
        key: "self",
        recorded: true,
        audio: { enabled: true, censored: true },
        video: { enabled: true, censored: false },
      },
    ],
    measured: {
      interval_secs: 2,
      path: "udp",
      round_trip_ms: 23.4,
      publish: [
        track({ layer: "q", width: 320, height: 180 }),
        track({ layer: "h", width: 640, height: 360 }),
      ],
      receive: [],
    },
  });
  const bo = person("Bo", takes("h", { width: 640, height: 360 }));
  const cy = person("Cy", takes("h"));
  const dee = person("Dee", takes("q", { paused_ms: 2_000 }));
  const eve = person("Eve", takes("q", {}, true));
  const session = { participants: [ada, bo, cy, dee, eve] } as LiveSession;

  it("has a line for each sound and each layer that is sent", () => {
    expect(
      sentBy(ada, session).map(({ kind, layer, state, size, takers }) => [kind, layer, state, size, takers]),
    ).toEqual([
      ["audio", "", "Muted by a moderator", "", 4],
      ["video", "q", "On", "320×180", 2],
      ["video", "h", "On", "640×360", 2],
    ]);
    const unmeasured = { ...ada, measured: null };
    expect(sentBy(unmeasured, session).map(({ kind, takers }) => [kind, takers])).toEqual([
      ["audio", 4],
      ["video", 4],
    ]);
  });

  it("has a line for each kind that is taken", () => {
    expect(takenBy(bo, session).map(({ from, kind, size }) => [from, kind, size])).toEqual([
      ["Ada", "audio", ""],
      ["Ada", "video", "640×360"],
    ]);
    expect(takenBy(dee, session)[1]?.state).toBe("Paused: path too narrow");
    expect(takenBy(eve, session)[1]?.state).toBe("Out of sight");
    expect(takenBy(bo, { participants: [bo] } as unknown as LiveSession)).toEqual([]);
  });

  it("is told in words", () => {
    expect([rate(900_400), rate(1_250_000), rate(undefined)]).toEqual(["900 kbit/s", "1.3 Mbit/s", "–"]);
    expect([percent(0.015), percent(undefined)]).toEqual(["1.5 %", "–"]);
    expect([pathOf(ada), pathOf(eve)]).toEqual(["UDP, 23 ms", "Media not connected"]);
  });
});
