import { defineConfig } from "vitest/config";

const server = process.env.ROTUNDA_URL ?? "http://127.0.0.1:8080";
const modern = ["chrome123", "firefox121", "safari17.5"];

// The pages of error codes, which the server writes itself, link to these by name.
const shared = ["page.css", "favicon.svg"];

export default defineConfig({
  base: "/docs/",
  build: {
    target: modern,
    cssTarget: modern,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The viewer comes as one bundle of its own.
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: {
      input: ["index.html", "src/page.css"],
      output: {
        assetFileNames: ({ names }) =>
          names.some((name) => shared.includes(name)) ? "[name][extname]" : "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/v2": { target: server } } },
  test: { include: ["src/**/*.test.ts"] },
});
