import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page, type TestInfo } from "@playwright/test";
import { shy } from "./people.js";
import type { Rotunda } from "./rotunda.js";
import { test as base } from "./test.js";

export { expect } from "@playwright/test";

export const owner = { name: "Ada Lovelace", email: "ada@example.com", password: "correct horse battery" };

interface Look {
  look: string;
  colorScheme: "light" | "dark";
  width: number;
  height: number;
  /** What axe looks for; everything without. */
  rules?: string[];
}

/** Somebody in front of the portal, and what the page asked of others than the server, or complained of. */
export class Operator {
  readonly strays: string[] = [];
  readonly complaints: string[] = [];

  constructor(
    readonly server: Rotunda,
    readonly page: Page,
  ) {
    page.on("request", (request) => {
      if (!request.url().startsWith(`${server.url}/`)) this.strays.push(request.url());
    });
    page.on("console", (message) => {
      // Chromium says so of every answer of 4xx; whether they are wanted, tests say.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** The setup link, which the server printed. */
  get setupLink(): string {
    const link = /^setup\s+(\S+)/m.exec(this.server.output)?.[1];
    if (!link) throw new Error(`the server printed no setup link:\n${this.server.output}`);
    return link;
  }

  /** Becomes owner, over the API, as the page would. */
  async becomeOwner(): Promise<void> {
    await this.page.goto(`${this.server.url}/portal/sign-in`);
    const secret = this.setupLink.split("#")[1];
    const status = await this.page.evaluate(
      async (body) =>
        (
          await fetch("/v2/portal_session/actions/use_link", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(body),
          })
        ).status,
      { link_secret: secret, ...owner },
    );
    expect(status).toBe(201);
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.server.url}/portal${path}`);
  }

  /** Serious findings of axe on the page as it stands, in words: of all its rules, or of some. */
  async findings(rules?: string[]): Promise<string[]> {
    // The portal has no frames of others, for which axe would open a page of its own each time.
    // Of what passed it need not tell.
    const axe = new AxeBuilder({ page: this.page })
      .setLegacyMode(true)
      .options({ resultTypes: ["violations"] });
    const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`,
      );
  }

  /** Looks at the page in both themes and on a phone: pictures for people, and axe's findings, which must be none. Themes differ in colours alone. */
  async inspect(info: TestInfo, name: string): Promise<void> {
    const looks: Look[] = [
      { look: "light", colorScheme: "light", width: 1440, height: 900 },
      { look: "dark", colorScheme: "dark", width: 1440, height: 900, rules: ["color-contrast"] },
      { look: "phone", colorScheme: "light", width: 390, height: 844 },
    ];
    for (const { look, colorScheme, width, height, rules } of looks) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await this.page.setViewportSize({ width, height });
      await this.page.screenshot({ path: info.outputPath(`${name}-${look}.png`) });
      expect(await this.findings(rules), `${name}, ${look}`).toEqual([]);
      const overflow = await this.page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow, `${name} is wider than the window, ${look}`).toBeLessThanOrEqual(0);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize({ width: 1440, height: 900 });
  }
}

export const test = base.extend<{
  /** Opens the portal in a browser of its own for somebody who is not signed in. */
  operate: () => Promise<Operator>;
  /** The owner, signed in. */
  operator: Operator;
}>({
  operate: async ({ server, browsers }, use) => {
    const contexts: BrowserContext[] = [];
    const operators: Operator[] = [];
    await use(async () => {
      const browser = await browsers.of(shy);
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        permissions: ["clipboard-read", "clipboard-write"],
      });
      contexts.push(context);
      const operator = new Operator(server, await context.newPage());
      operators.push(operator);
      return operator;
    });
    for (const { strays, complaints } of operators) {
      expect([strays, complaints], "asked of others, and complained of").toEqual([[], []]);
    }
    await Promise.all(contexts.map((context) => context.close()));
  },

  operator: async ({ operate }, use) => {
    const operator = await operate();
    await operator.becomeOwner();
    await use(operator);
  },
});
