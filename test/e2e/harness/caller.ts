import { expect, type Locator, type Page, type TestInfo } from "@playwright/test";
import { expectColour } from "./participant.js";
import type { Person } from "./people.js";

/** How far a colour may be from the one filmed: larger tiles and smaller layers are scaled as well. */
const tolerance = 18;

/** Somebody who uses the call app. */
export class Caller {
  readonly console: string[] = [];

  constructor(
    readonly person: Person,
    readonly page: Page,
  ) {
    page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.console.push(`uncaught: ${error.stack ?? error}`));
  }

  /** Opens a link and goes in under the person's name. */
  async join(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByTestId("join-name").fill(this.person.name);
    await this.page.getByTestId("join-button").click();
    await this.isInCall();
  }

  async isInCall(): Promise<void> {
    await expect(this.page.locator(".call[data-status=connected]")).toBeVisible();
  }

  get ownTile(): Locator {
    return this.page.locator("[data-testid^=tile-][data-local=true][data-kind=person]");
  }

  /** The tile of another's camera. */
  tileOf(other: Caller): Locator {
    return this.page
      .locator("[data-testid^=tile-][data-local=false][data-kind=person]")
      .filter({ hasText: other.person.name });
  }

  screenOf(other: Caller): Locator {
    return this.page
      .locator("[data-testid^=tile-][data-local=false][data-kind=screen]")
      .filter({ hasText: other.person.name });
  }

  async sees(other: Caller): Promise<void> {
    await expect(this.tileOf(other)).toHaveCount(1);
    await showsFilm(this.tileOf(other).locator("video"), other.person);
  }

  /** Opens a panel by its button, unless it is open. */
  async openPanel(name: "chat" | "people"): Promise<void> {
    const button = this.page.getByTestId(name);
    if ((await button.getAttribute("aria-expanded")) !== "true") await button.click();
    await expect(this.page.locator(`.panel[data-name=${name}]`)).toBeVisible();
  }

  async say(text: string, to?: Caller): Promise<void> {
    await this.openPanel("chat");
    const label = to?.person.name ?? "Everybody";
    await this.page.getByTestId("chat-recipient").selectOption({ label });
    await this.page.getByTestId("chat-input").fill(text);
    await this.page.getByTestId("chat-send").click();
    await expect(this.page.getByTestId("chat-input")).toHaveValue("");
  }

  get messages(): Locator {
    return this.page.getByTestId("chat-message").locator(".message-text");
  }

  /** Keeps a picture for people to look at. */
  async photograph(info: TestInfo, name: string): Promise<void> {
    await this.page.screenshot({ path: info.outputPath(`${name}.png`) });
  }
}

/** A video plays, and shows what the person's camera films. */
export async function showsFilm(video: Locator, person: Person): Promise<void> {
  await expect(async () => {
    const seen = await video.evaluate(async (element) => {
      const video = element as HTMLVideoElement;
      const playing = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), 1_000);
        video.requestVideoFrameCallback(() => {
          clearTimeout(timer);
          resolve(true);
        });
      });
      const canvas = new OffscreenCanvas(16, 9);
      const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
      context.drawImage(video, 0, 0, 16, 9);
      const at = (x: number) =>
        [...context.getImageData(x, 1, 1, 1).data].slice(0, 3) as [number, number, number];
      return { playing, left: at(3), right: at(12) };
    });
    expect(seen.playing, "a new picture").toBe(true);
    expectColour(seen.left, person.left, tolerance);
    expectColour(seen.right, person.right, tolerance);
  }).toPass({ intervals: [100], timeout: 15_000 });
}
