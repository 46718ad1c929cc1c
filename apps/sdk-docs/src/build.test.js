import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, packages } from "./build.js";

const root = resolve(import.meta.dirname, "../../..");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotunda-sdk-pages-"));
  await build(folder);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(packages)("the page of $folder", ({ folder: source, at, title }) => {
  let page = "";
  beforeAll(async () => {
    page = await readFile(join(folder, at, "index.html"), "utf8");
  });

  it("has everything that is exported", async () => {
    const index = await readFile(join(root, source, "src/index.ts"), "utf8");
    const names = [...index.matchAll(/\{([^}]*)\}/g)]
      .flatMap(([, list]) => list.split(","))
      .map((name) => name.replace(/\btype\b/, "").trim())
      .filter((name) => name !== "");
    expect(names.length).toBeGreaterThan(15);
    const headings = [...page.matchAll(/<h3 id="[^"]*">([^<(]*)/g)].map(([, name]) => name);
    expect(headings).toEqual(expect.arrayContaining(names));
  });

  it("links to nothing that is not there", () => {
    const ids = new Set([...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
    const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(targets.length).toBeGreaterThan(30);
    expect([...new Set(targets)].filter((id) => !ids.has(id))).toEqual([]);
    const others = [...page.matchAll(/href="([^#"][^"]*)"/g)].map(([, address]) => address);
    expect(others.filter((address) => !/^(\/docs(\/|$)|https:)/.test(address))).toEqual([]);
  });

  it("keeps to the policy of the server, and is not large", () => {
    expect(page).toContain(`<title>${title} · Rotunda</title>`);
    expect(page).not.toMatch(/<script|<style| style=| on\w+="/);
    expect(page.length).toBeLessThan(200_000);
  });
});
