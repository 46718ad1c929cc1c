import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const tokens = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

type Scheme = "light" | "dark";

function colour(name: string, scheme: Scheme): string {
  const both = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(tokens);
  const value = both?.[scheme === "light" ? 1 : 2];
  if (!value) throw new Error(`no colour ${name}`);
  return value;
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each(["light", "dark"] as const)("%s", (scheme) => {
  const ratio = (front: string, back: string) => contrast(colour(front, scheme), colour(back, scheme));

  it.each(["ground", "surface", "sunken"])("words can be read on %s", (ground) => {
    expect(ratio("text", ground)).toBeGreaterThanOrEqual(7);
    for (const front of ["muted", "accent", "danger", "warning"]) {
      expect(ratio(front, ground), front).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("words can be read on buttons", () => {
    for (const button of ["accent", "danger"]) {
      expect(ratio(`on-${button}`, button)).toBeGreaterThanOrEqual(4.5);
      expect(ratio(`on-${button}`, `${button}-hover`)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("the edges of controls can be seen", () => {
    expect(ratio("line-strong", "surface")).toBeGreaterThanOrEqual(3);
  });
});
