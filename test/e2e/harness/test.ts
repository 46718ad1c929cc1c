import { writeFile } from "node:fs/promises";
import { type Browser, type BrowserContext, test as base, expect } from "@playwright/test";
import { launch } from "./browsers.js";
import { Caller } from "./caller.js";
import { Participant } from "./participant.js";
import { type Person, shy, wary } from "./people.js";
import { Rotunda, type StartOptions } from "./rotunda.js";
import { openSite, type Site } from "./site.js";

export { expect } from "@playwright/test";

/** Browsers live as long as all tests of a worker; a person always has the same, unless it died. */
export class Browsers {
  readonly #browsers = new Map<Person, Browser>();

  async of(person: Person): Promise<Browser> {
    let browser = this.#browsers.get(person);
    if (!browser?.isConnected()) {
      browser = await launch(person);
      this.#browsers.set(person, browser);
    }
    return browser;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#browsers.values()].map((browser) => browser.close()));
  }
}

interface OfWorker {
  site: Site;
  browsers: Browsers;
}

interface OfTest {
  /** Flags of the server beyond the usual ones. */
  serverOptions: StartOptions;
  /** A server for this test alone. */
  server: Rotunda;
  /** A fresh browser context of a person. */
  contextOf: (person: Person) => Promise<BrowserContext>;
  /** Opens the page with the SDK for a person. */
  arrive: (person: Person) => Promise<Participant>;
  /** Gives a person a page for the call app. */
  call: (person: Person) => Promise<Caller>;
}

export const test = base.extend<OfTest, OfWorker>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner wants it written so
    async ({}, use) => {
      const site = await openSite();
      await use(site);
      await site.close();
    },
    { scope: "worker" },
  ],

  browsers: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner wants it written so
    async ({}, use) => {
      const browsers = new Browsers();
      await use(browsers);
      await browsers.close();
    },
    { scope: "worker" },
  ],

  serverOptions: [{}, { option: true }],

  server: async ({ serverOptions }, use, info) => {
    const server = await Rotunda.start(serverOptions);
    try {
      await use(server);
      if (server.running) {
        const exit = await server.stop();
        expect(exit, "the server stops by itself when asked").toMatchObject({ code: 0, signal: null });
        expect(exit.milliseconds).toBeLessThan(5_500);
      }
      expect(server.log.split("\n").filter(isAlarming), "alarming log lines").toEqual([]);
      expect(server.log, "no token in the log").not.toContain("eyJ");
    } finally {
      await writeFile(info.outputPath("server.log"), server.log); // of which reporters show the beginning alone
      await info.attach("server.log", { body: server.log, contentType: "text/plain" });
      await server.discard();
    }
  },

  contextOf: async ({ browsers }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (person) => {
      const browser = await browsers.of(person);
      const context = await browser.newContext({
        viewport: { width: 640, height: 360 },
        permissions: person === shy || person === wary ? [] : ["camera", "microphone"],
      });
      contexts.push(context);
      return context;
    });
    // A browser that was killed took its contexts with it.
    const left = contexts.filter((context) => context.browser()?.isConnected());
    await Promise.all(left.map((context) => context.close()));
  },

  arrive: async ({ contextOf, site }, use, info) => {
    const participants: Participant[] = [];
    await use(async (person) => {
      const context = await contextOf(person);
      const participant = new Participant(person, context, await context.newPage());
      participants.push(participant);
      await participant.page.goto(site.url);
      await participant.page.waitForFunction("globalThis.rig");
      return participant;
    });
    for (const { person, console, frames } of participants) {
      const body = [...console, ...frames.map((frame) => JSON.stringify(frame).slice(0, 2_000))].join("\n");
      await info.attach(`${person.name}.log`, { body, contentType: "text/plain" });
    }
    for (const { person, console } of participants) {
      expectCalm(person, console);
    }
  },

  call: async ({ contextOf }, use, info) => {
    const callers: Caller[] = [];
    await use(async (person) => {
      const context = await contextOf(person);
      const caller = new Caller(person, await context.newPage());
      await caller.page.setViewportSize({ width: 1024, height: 640 });
      callers.push(caller);
      return caller;
    });
    for (const { person, console } of callers) {
      await info.attach(`${person.name}.log`, { body: console.join("\n"), contentType: "text/plain" });
    }
    for (const { person, console } of callers) expectCalm(person, console);
  },
});

function isAlarming(line: string): boolean {
  return /level=ERROR|^panic:|^fatal error:|DATA RACE/.test(line);
}

function expectCalm(person: Person, console: string[]): void {
  const uncaught = console.filter((line) => line.startsWith("uncaught:"));
  expect(uncaught, `in ${person.name}'s page`).toEqual([]);
}
