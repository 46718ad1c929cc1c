import { expect, it } from "vitest";
import { meaningOf } from "./shortcuts";

const press = (key: string, more = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  repeat: false,
  ...more,
});

it("knows its keys, in either case", () => {
  expect(meaningOf(press("m"), document.body)).toBe("microphone");
  expect(meaningOf(press("M"), null)).toBe("microphone");
  expect(meaningOf(press("?"), document.body)).toBe("help");
  expect(meaningOf(press("x"), document.body)).toBeNull();
});

it("leaves the browser's own keys alone, and held ones", () => {
  expect(meaningOf(press("c", { ctrlKey: true }), document.body)).toBeNull();
  expect(meaningOf(press("m", { metaKey: true }), document.body)).toBeNull();
  expect(meaningOf(press("m", { repeat: true }), document.body)).toBeNull();
});

it("is text in a field, but for Escape", () => {
  const field = document.createElement("textarea");
  expect(meaningOf(press("m"), field)).toBeNull();
  expect(meaningOf(press(" "), field)).toBeNull();
  expect(meaningOf(press("Escape"), field)).toBe("escape");
});

it("talks with Space unless a button has the focus", () => {
  expect(meaningOf(press(" "), document.body)).toBe("talk");
  expect(meaningOf(press(" "), document.createElement("button"))).toBeNull();
  expect(meaningOf(press("m"), document.createElement("button"))).toBe("microphone");
});
