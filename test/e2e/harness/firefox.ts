import { type Browser, launch } from "puppeteer-core";
import { Participant } from "./participant.js";
import type { Person } from "./people.js";
import { findProgram } from "./places.js";
import type { Site } from "./site.js";

/** What Firefox's own false microphone plays. Its false camera shows one colour after another. */
export const fox: Person = {
  name: "Fox",
  left: [0, 0, 0],
  right: [0, 0, 0],
  pitch: 880,
  width: 640,
  height: 480,
};

/** Firefox as Debian ships it, worked over WebDriver BiDi. */
export async function launchFirefox(): Promise<Browser> {
  return launch({
    browser: "firefox",
    executablePath: findProgram("firefox-esr", "firefox"),
    headless: true,
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.navigator.audio.fake_frequency": fox.pitch,
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "media.peerconnection.ice.loopback": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      // It would fetch an H264 codec from the network.
      "media.gmp-manager.updateEnabled": false,
    },
  });
}

/** Opens the page with the SDK. */
export async function arriveInFirefox(browser: Browser, site: Site): Promise<Participant> {
  const page = await browser.newPage();
  // Of a page a participant needs only what both drivers name alike.
  const participant = new Participant(fox, undefined as never, page as never);
  page.on("pageerror", (error) => participant.console.push(`uncaught: ${error}`));
  await page.goto(site.url);
  await page.waitForFunction("globalThis.rig");
  return participant;
}
