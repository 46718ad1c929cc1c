import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.ROTUNDA_URL ?? "http://127.0.0.1:8080";
const modern = ["chrome123", "firefox121", "safari17.5"];

export default defineConfig({
  base: "/portal/",
  plugins: [react()],
  build: {
    target: modern,
    cssTarget: modern,
    // The server's content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v2": { target: server } } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
