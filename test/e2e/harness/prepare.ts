import { existsSync } from "node:fs";
import { join } from "node:path";
import { captureOf } from "./capture.js";
import { filmed } from "./people.js";
import { findProgram, places } from "./places.js";

/** Fails at once, and with the cause, if something is missing; films everybody. */
export default async function prepare(): Promise<void> {
  for (const built of [places.server, join(places.sdk, "index.js")]) {
    if (!existsSync(built)) throw new Error(`${built} is missing: run make build`);
  }
  findProgram("chromium", "chromium-browser", "google-chrome");
  findProgram("firefox-esr", "firefox");
  for (const person of filmed) await captureOf(person);
}
