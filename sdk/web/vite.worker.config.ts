import { defineConfig } from "vite";

// A classic script, so that it runs in either kind of worker.
export default defineConfig({
  build: {
    target: "es2022",
    emptyOutDir: false,
    sourcemap: true,
    lib: {
      entry: "src/e2ee/worker.ts",
      name: "RotundaEncryption",
      formats: ["iife"],
      fileName: () => "e2ee-worker.js",
    },
  },
});
