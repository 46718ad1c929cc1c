import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, describe, expect, it } from "vitest";

/** The most that the whole SDK may weigh over the wire. */
const LIMIT = 40_000;

async function bundle(format: "es" | "iife", entry = "src/index.ts"): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    define: { __VERSION__: '"test"' },
    build: { write: false, target: "es2022", lib: { entry, name: "RotundaVideo", formats: [format] } },
  });
  const [output] = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[];
  const chunks = output?.output.filter((part) => part.type === "chunk") ?? [];
  expect(chunks, "one file, no dependency").toHaveLength(1);
  expect(chunks[0]?.imports).toEqual([]);
  return chunks[0]?.code ?? "";
}

const weight = (code: string) => gzipSync(code, { level: 9 }).length;

describe("the bundle", () => {
  let module = "";
  let script = "";
  beforeAll(async () => {
    module = await bundle("es");
    script = await bundle("iife");
  }, 60_000);

  it(`is under ${LIMIT / 1000} kB gzipped`, () => {
    expect(weight(module)).toBeLessThan(LIMIT);
    expect(weight(script)).toBeLessThan(LIMIT);
    // A bundle that lost its content would be small too.
    expect(weight(module)).toBeGreaterThan(10_000);
  });

  it("defines its global from a script tag, and needs nothing of Node", () => {
    // A page has no `process`, `require` or `global`.
    const names = ["process", "require", "global", "module", "exports"];
    const exported = new Function(...names, `${script}\nreturn Object.keys(RotundaVideo);`)() as string[];
    expect(exported).toEqual(expect.arrayContaining(["initialize", "getDevices", "version", "RoomError"]));
  });

  it("leaves out what is not used", async () => {
    expect(weight(await bundle("es", "test/fakes/devices-only.ts"))).toBeLessThan(1_500);
  }, 60_000);
});
