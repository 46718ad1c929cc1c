import { expect, test } from "vitest";
import { peopleCall, refusedCall, sessionsCall } from "./records";

const asked = (path: string) => decodeURIComponent(path.split("?")[1] ?? "").split("&");

test("the address of a list is asked as the API has it", () => {
  expect(asked(sessionsCall({ state: "live", from: "2026-01-01T00:00:00Z" }).path)).toEqual([
    "filter[active]=true",
    "filter[date_created_at][gte]=2026-01-01T00:00:00Z",
    "page[size]=50",
  ]);
  expect(asked(sessionsCall({ state: "over", page: 2 }).path)).toEqual([
    "filter[active]=false",
    "page[number]=2",
    "page[size]=50",
  ]);
  expect(asked(refusedCall({ session: "s", until: "u" }).path)).toEqual([
    "filter[session_id]=s",
    "filter[occurred_at][lte]=u",
    "page[size]=50",
  ]);
});

test("the span is that of leaving where it is about those who left", () => {
  expect(asked(peopleCall({ state: "in", from: "f" }).path)).toEqual([
    "filter[active]=true",
    "filter[date_joined_at][gte]=f",
    "page[size]=50",
  ]);
  expect(asked(peopleCall({ state: "out", from: "f" }).path)).toContain("filter[date_left_at][gte]=f");
  expect(asked(peopleCall({ state: "lost", until: "u" }).path)).toEqual([
    "filter[left_reason]=connection_lost",
    "filter[date_left_at][lte]=u",
    "page[size]=50",
  ]);
});
