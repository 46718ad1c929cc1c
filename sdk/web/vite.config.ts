import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

const manifest = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as {
  version: string;
};

export default defineConfig({
  define: { __VERSION__: JSON.stringify(manifest.version) },
  build: {
    target: "es2022",
    // tsc writes the declarations into the same folder.
    emptyOutDir: false,
    sourcemap: true,
    lib: {
      entry: "src/index.ts",
      name: "RotundaVideo",
      formats: ["es", "iife"],
      fileName: (format) => (format === "es" ? "index.js" : "rotunda-video.iife.js"),
    },
  },
  // Generous: some machines are busy.
  test: { include: ["test/**/*.test.ts"], testTimeout: 30_000 },
});
