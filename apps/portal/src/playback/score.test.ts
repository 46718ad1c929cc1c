import { expect, it } from "vitest";
import type { Recording } from "../api/types";
import { readIndex } from "./fileIndex";
import { arrange, clock, isThere, lanesOf, micros, piecesOf } from "./score";

const recording = (
  id: string,
  person: string,
  from: string,
  seconds: number,
  more: Partial<Recording> = {},
) =>
  ({
    id,
    participant_id: person,
    stream_key: "self",
    status: "completed",
    type: "video",
    duration_secs: seconds,
    download_url: `https://elsewhere.example/v2/media/recording/${id}?signature=1`,
    started_at: from,
    ended_at: null,
    ...more,
  }) as Recording;

it("recordings stand where they began, to the microsecond", () => {
  const score = arrange(
    [
      recording("a", "ada", "2026-11-28T10:00:00.999900Z", 10),
      recording("b", "bo", "2026-11-28T10:00:02.000100Z", 5, { ended_at: "2026-11-28T10:00:07.600100Z" }),
      recording("c", "bo", "2026-11-28T09:00:00.000000Z", 5, { status: "failed" }),
      recording("d", "bo", "2026-11-28T10:00:09.000000Z", 3, { stream_key: "presentation" }),
    ],
    new Map([["ada", "Ada"]]),
    new Map(),
  );
  expect(score.parts.map(({ from }) => from)).toEqual([0, 1.0002, 8.0001]);
  expect(score.parts[1]?.until).toBeCloseTo(6.6002, 6);
  expect(score.length).toBeCloseTo(11.0001, 6);
  expect(score.parts.map(({ name }) => name)).toEqual(["Ada", "bo…", "bo…, presentation"]);
  expect(score.parts[0]?.address).toBe("/v2/media/recording/a?signature=1");
  expect(lanesOf(score).map(({ parts }) => parts.length)).toEqual([1, 1, 1]);
});

it("nothing to play is a score of no length", () => {
  expect(arrange([], new Map(), new Map())).toEqual({ parts: [], length: 0 });
});

it("a timestamp is read to the microsecond", () => {
  expect(micros("1970-01-01T00:00:01.000001Z")).toBe(1_000_001);
  expect(micros("1970-01-01T00:00:01Z")).toBe(1_000_000);
});

it("a clock shows hours where there are any", () => {
  expect([clock(0), clock(65.9), clock(3_725)]).toEqual(["0:00", "1:05", "1:02:05"]);
});

it("an index says where a recording has nothing, and how long it is", () => {
  const index = readIndex(
    [
      '{"version":1,"id":"a","kind":"video","start":1772366400000000}',
      '{"at":0,"wall":1772366400000000}',
      '{"at":1000000,"gap":"disabled","until":2000000}',
      '{"at":3000000,"gap":"lost","until":7000000}',
      '{"at":8000000,"gap":"silent","until":9000000}',
      '{"at":5,"gap":"lost","until":"later"}',
      "no JSON",
      '{"end":12500000}',
      "",
    ].join("\n"),
  );
  expect(index.length).toBe(12.5);
  const score = (type: "audio" | "video") =>
    arrange(
      [recording("a", "ada", "2026-11-28T10:00:00Z", 12, { type })],
      new Map(),
      new Map([["a", index]]),
    );
  const [picture, sound] = [score("video").parts[0], score("audio").parts[0]];
  if (!picture || !sound) throw new Error("there is no part");
  expect(picture.until).toBe(12.5);
  expect(piecesOf(sound)).toEqual([
    { from: 0, until: 1 },
    { from: 2, until: 3 },
    { from: 7, until: 8 },
    { from: 9, until: 12.5 },
  ]);
  // A picture that stopped coming stands for three seconds.
  expect(piecesOf(picture)).toEqual([
    { from: 0, until: 1 },
    { from: 2, until: 6 },
    { from: 7, until: 12.5 },
  ]);
  expect([0.5, 1, 2, 6.5, 8.5, 12.5].map((at) => isThere(picture, at))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
});
