import { defineConfig } from "vitest/config";

// One server serves all files, one after the other; the SDK is large, so it is loaded once.
export default defineConfig({
  test: {
    include: ["node/**/*.test.ts"],
    fileParallelism: false,
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
