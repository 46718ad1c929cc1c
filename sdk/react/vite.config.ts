import { createRequire } from "node:module";
import { dirname } from "node:path";
import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";

// The tests run twice: with the newest React, and with the oldest that is promised.
const from = createRequire(new URL("../../test/react-18/package.json", import.meta.url));
const folderOf = (name: string) => dirname(from.resolve(`${name}/package.json`));
const old = [
  // The build that can be given another React.
  {
    find: "@testing-library/react",
    replacement: "@testing-library/react/dist/@testing-library/react.esm.js",
  },
  { find: /^react-dom(?=\/|$)/, replacement: folderOf("react-dom") },
  { find: /^react(?=\/|$)/, replacement: folderOf("react") },
];

export default defineConfig({
  resolve: {
    conditions: ["@rotunda/source", ...defaultClientConditions],
    alias: process.env.REACT === "18" ? old : [],
  },
  define: { __VERSION__: '"test"' },
  build: {
    target: "es2022",
    emptyOutDir: false,
    sourcemap: true,
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    rolldownOptions: { external: [/^react(\/|$)/, "@rotunda/video"] },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.tsx"],
    testTimeout: 30_000,
    server: { deps: { inline: [/@testing-library/] } },
  },
});
