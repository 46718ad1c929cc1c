import { expect, it } from "vitest";
import type { Recording } from "../api/types";
import { arrange, clock, lanesOf, micros } from "./score";

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
  );
  expect(score.parts.map(({ from }) => from)).toEqual([0, 1.0002, 8.0001]);
  expect(score.parts[1]?.until).toBeCloseTo(6.6002, 6);
  expect(score.length).toBeCloseTo(11.0001, 6);
  expect(score.parts.map(({ name }) => name)).toEqual(["Ada", "bo…", "bo…, presentation"]);
  expect(score.parts[0]?.address).toBe("/v2/media/recording/a?signature=1");
  expect(lanesOf(score).map(({ parts }) => parts.length)).toEqual([1, 1, 1]);
});

it("nothing to play is a score of no length", () => {
  expect(arrange([], new Map())).toEqual({ parts: [], length: 0 });
});

it("a timestamp is read to the microsecond", () => {
  expect(micros("1970-01-01T00:00:01.000001Z")).toBe(1_000_001);
  expect(micros("1970-01-01T00:00:01Z")).toBe(1_000_000);
});

it("a clock shows hours where there are any", () => {
  expect([clock(0), clock(65.9), clock(3_725)]).toEqual(["0:00", "1:05", "1:02:05"]);
});
