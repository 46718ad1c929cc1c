import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";

const sdk = JSON.parse(readFileSync(new URL("../../sdk/web/package.json", import.meta.url), "utf8")) as {
  version: string;
};
const server = process.env.ROTUNDA_URL ?? "http://127.0.0.1:8080";
const modern = ["chrome123", "firefox121", "safari17.5"];

export default defineConfig({
  base: "/portal/",
  plugins: [react()],
  // The SDK is built from its source, so that one build needs no other before it.
  resolve: { conditions: ["@rotunda/source", ...defaultClientConditions] },
  define: { __VERSION__: JSON.stringify(sdk.version) },
  build: {
    target: modern,
    cssTarget: modern,
    // The server's content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v2": { target: server, ws: true } } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
