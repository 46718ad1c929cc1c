import { expect, it } from "vitest";
import { afterDisconnect, afterFailedJoin, afterRefusal, endingWords } from "./ending";

it.each(["network_error", "timed_out", "unknown", "something new"])("tries again after %s", (reason) => {
  expect(afterDisconnect(reason)).toEqual({ kind: "retry" });
});

it.each([
  ["kicked", "kicked"],
  ["session_terminated", "session_ended"],
  ["room_expired", "room_deleted"],
  ["user_initiated", "left"],
  ["forbidden", "forbidden"],
])("ends after %s", (reason, ending) => {
  expect(afterDisconnect(reason)).toEqual({ kind: "end", ending });
});

it("gets a fresh token once when refused", () => {
  expect(afterDisconnect("unauthorized")).toEqual({ kind: "renew" });
  expect(afterFailedJoin("unauthorized", false)).toEqual({ kind: "renew" });
  expect(afterFailedJoin("unauthorized", true)).toEqual({ kind: "end", ending: "token_expired" });
});

it("ends when joining cannot succeed and tries again when it may", () => {
  expect(afterFailedJoin("room_full", false)).toEqual({ kind: "end", ending: "room_full" });
  expect(afterFailedJoin("room_not_found", false)).toEqual({ kind: "end", ending: "room_deleted" });
  expect(afterFailedJoin("unavailable", false)).toEqual({ kind: "retry" });
  expect(afterFailedJoin(undefined, false)).toEqual({ kind: "retry" });
  expect(afterRefusal("unreachable")).toEqual({ kind: "retry" });
  expect(afterRefusal("demo_off")).toEqual({ kind: "end", ending: "demo_off" });
});

it("has words for every ending, without exclamation", () => {
  for (const { title, text } of Object.values(endingWords)) expect(`${title} ${text}`).not.toMatch(/!|oops/i);
});
