import { afterEach, expect, it } from "vitest";
import { type LogFunction, type LogLevel, leveledLogger, setLogLevel } from "../src/log.js";

afterEach(() => setLogLevel("WARN"));

it.each<[LogLevel, string]>([
  ["TRACE", "diwe"],
  ["DEBUG", "diwe"],
  ["INFO", "iwe"],
  ["TIME", "we"],
  ["WARN", "we"],
  ["ERROR", "e"],
  ["OFF", ""],
])("at %s", (level, expected) => {
  let written = "";
  const write = (letter: string) => () => {
    written += letter;
  };
  const log = leveledLogger({ debug: write("d"), info: write("i"), warn: write("w"), error: write("e") });
  setLogLevel(level);
  for (const method of ["debug", "info", "warn", "error"] as const) log[method]("m");
  expect(written).toBe(expected);
});

it("goes on without a logger that throws", () => {
  const log = leveledLogger(() => {
    throw new Error("disk full");
  });
  expect(() => log.error("something")).not.toThrow();
});

it("gives a function records instead of lines", () => {
  const records: Parameters<LogFunction>[] = [];
  const log = leveledLogger((...record) => records.push(record), "room");
  const cause = new Error("why");
  log.warn("something", cause);
  log.error("bare");
  log.debug("too quiet");
  expect(records).toEqual([
    ["WARN", "something", { roomId: "room", cause }],
    ["ERROR", "bare", { roomId: "room" }],
  ]);
});
