import { type BrowserContext, chromium, type Page } from "@playwright/test";
import { findProgram } from "../harness/places.js";
import type { Rotunda } from "../harness/rotunda.js";
import { test as base, expect } from "../harness/test.js";

/** A reader of the reference, and everything the page asked of another place than the server, or was forbidden. */
interface Reader {
  page: Page;
  strays: string[];
  complaints: string[];
}

const test = base.extend<{ read: (server: Rotunda, path: string, width?: number) => Promise<Reader> }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner wants it written so
  read: async ({}, use) => {
    const browser = await chromium.launch({
      executablePath: findProgram("chromium", "chromium-browser", "google-chrome"),
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    const contexts: BrowserContext[] = [];
    await use(async (server, path, width = 1440) => {
      const context = await browser.newContext({ viewport: { width, height: 900 } });
      contexts.push(context);
      const page = await context.newPage();
      const reader: Reader = { page, strays: [], complaints: [] };
      page.on("request", (request) => {
        const url = request.url();
        if (!url.startsWith(`${server.url}/`) && !url.startsWith("data:")) reader.strays.push(url);
      });
      page.on("console", (message) => {
        if (message.type() === "error") reader.complaints.push(message.text());
      });
      page.on("pageerror", (error) => reader.complaints.push(String(error)));
      await page.goto(server.url + path);
      return reader;
    });
    await browser.close();
  },
});

test("the SDKs' reference is plain pages in the same dress, and allowed by the server's policy", async ({
  server,
  read,
}) => {
  const { page, strays, complaints } = await read(server, "/docs/sdk");
  await expect(page.getByRole("heading", { name: "initialize()" })).toBeVisible();
  await page.locator(".sdk-contents").getByRole("link", { name: "LocalMedia", exact: true }).click();
  await expect(page.locator("#localmedia")).toBeInViewport();
  expect(await page.evaluate(() => getComputedStyle(document.body).fontFamily)).toContain("Inter");
  await page.getByRole("navigation", { name: "Documents" }).getByRole("link", { name: "React" }).click();
  await expect(page.getByRole("heading", { name: "useSubscription()" })).toBeVisible();
  expect([strays, complaints]).toEqual([[], []]);
});

test("the reference shows every operation, and asks nobody but the server", async ({ server, read }) => {
  const reader = await read(server, "/docs");
  const { page } = reader;
  const document = (await (await fetch(`${server.url}/v2/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId?: string }>>;
  };
  const ids = Object.values(document.paths).flatMap((item) =>
    Object.values(item).flatMap(({ operationId }) => operationId ?? []),
  );
  await expect(page.locator("#reference .opblock")).toHaveCount(ids.length);
  await expect(page.locator("#contents a")).toHaveCount(ids.length);

  await page.locator("#contents").getByRole("link", { name: "Create a room" }).click();
  const operation = page.locator("#operations-Rooms-createRoom");
  await expect(operation.getByText("Request body", { exact: true })).toBeVisible();
  await expect(operation.getByText('"max_participants": 10').first()).toBeVisible();
  await expect(operation).toBeInViewport();
  await operation.getByRole("tab", { name: "Schema" }).first().click();
  await expect(operation.getByText("webhook_event_failover_url").first()).toBeVisible();

  // Every link of the contents leads somewhere; following all would open all.
  for (const link of await page.locator("#contents a").all()) {
    const [tag = "", id = ""] = decodeURIComponent((await link.getAttribute("href")) ?? "")
      .slice(2)
      .split("/");
    await expect(page.locator(`[id="operations-${tag.replaceAll(" ", "_")}-${id}"]`)).toHaveCount(1);
  }
  const last = page.locator("#contents a").last();
  await last.click();
  await expect(last).toHaveAttribute("aria-current", "true");
  await expect(page.locator("#reference .opblock.is-open")).toHaveCount(2);
  expect(reader.strays).toEqual([]);
  expect(reader.complaints).toEqual([]);
});

test("an operation can be tried out with a key", async ({ server, read }) => {
  const reader = await read(server, "/docs#/Rooms/listRooms");
  const { page } = reader;
  await server.rest.createRoom({ unique_name: "seen in the reference" });
  await page.getByRole("button", { name: "Authorize" }).click();
  // The other way in, a member's cookie, cannot be given here.
  const bearer = page.locator(".modal-ux .auth-container", { has: page.locator("#auth-bearer-value") });
  await bearer.locator("input").fill("an-api-key-for-browser-tests");
  await bearer.getByRole("button", { name: /apply credentials|authorize/i }).click();
  await page.locator(".modal-ux").getByRole("button", { name: "Close", exact: true }).first().click();
  const operation = page.locator("#operations-Rooms-listRooms");
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await expect(operation.locator(".live-responses-table").getByText('"seen in the reference"')).toBeVisible();
  expect(reader.strays).toEqual([]);
  expect(reader.complaints).toEqual([]);
});

test("it fits a telephone", async ({ server, read }) => {
  const { page } = await read(server, "/docs#/Rooms/listRooms", 390);
  await expect(page.locator("#operations-Rooms-listRooms").getByText("Parameters")).toBeVisible();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
});

test("the page of an error code looks alike and leads to the reference", async ({ server, read }) => {
  const reader = await read(server, "/docs/errors/10012");
  const { page } = reader;
  await expect(page.getByRole("heading", { name: "Duplicate resource" })).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.body).fontFamily)).toContain("Inter");
  await page.getByRole("link", { name: "API reference" }).click();
  await expect(page.locator("#reference .opblock").first()).toBeVisible();
  expect(reader.strays).toEqual([]);
  expect(reader.complaints).toEqual([]);
});
