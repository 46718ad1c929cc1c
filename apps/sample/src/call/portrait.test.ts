import { expect, it } from "vitest";
import { hueOf, initialsOf } from "./portrait";

it.each([
  ["Ana Duarte", "AD"],
  ["Luis Alberto Ortega", "LO"],
  ["sam", "S"],
  ["李小龍", "李"],
  ["élodie b.", "ÉB"],
  ["(guest) 7", "G7"],
  ["***", "?"],
  ["", "?"],
  ["jo@example.org", "JO"],
])("initials of %j are %j", (name, initials) => {
  expect(initialsOf(name)).toBe(initials);
});

it("gives each id one hue, spread over the circle", () => {
  const hues = Array.from({ length: 360 }, (_, at) =>
    hueOf(`9f0c6f5e-0000-4000-8000-${at.toString(16).padStart(12, "0")}`),
  );
  for (const hue of hues) expect(hue >= 0 && hue < 360 && Number.isInteger(hue)).toBe(true);
  expect(new Set(hues.map((hue) => Math.floor(hue / 30))).size).toBe(12);
  expect(hueOf("a")).toBe(hueOf("a"));
});
