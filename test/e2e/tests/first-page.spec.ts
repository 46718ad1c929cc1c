import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { ada, bo, type Person } from "../harness/people.js";
import { root } from "../harness/places.js";
import { expect, test } from "../harness/test.js";

test("the page of the first guide holds a call, and says what is wrong", async ({ server, contextOf }) => {
  const guide = await readFile(join(root, "docs/getting-started.md"), "utf8");
  const html = /```html\n([\s\S]*?)```/.exec(guide)?.[1]?.replace("http://127.0.0.1:8080", server.url) ?? "";
  const script = await readFile(join(root, "sdk/web/dist/rotunda-video.iife.js"), "utf8");
  const site = createServer(({ url }, response) => {
    const isPage = url === "/call.html";
    response.setHeader("content-type", isPage ? "text/html" : "text/javascript");
    response.end(isPage ? html : script);
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  const { port } = site.address() as AddressInfo;
  const open = async (person: Person, fragment: string): Promise<Page> => {
    const page = await (await contextOf(person)).newPage();
    await page.goto(`http://localhost:${port}/call.html#${fragment}`);
    return page;
  };
  const room = await server.rest.createRoom();
  const { token } = await server.rest.tokens(room.id);
  const wrong = await open(ada, `room=${room.id}&token=nonsense`);
  await expect(wrong.locator("#status")).toContainText("unauthorized");
  const pages = [
    await open(ada, `room=${room.id}&token=${token}`),
    await open(bo, `room=${room.id}&token=${token}`),
  ] as const;
  for (const page of pages) {
    await expect(page.locator("#status")).toHaveText("Connected");
    const moving = () =>
      page
        .locator("video")
        .evaluateAll((videos) => (videos as HTMLVideoElement[]).filter((v) => v.videoWidth > 0).length);
    await expect.poll(moving, { timeout: 20_000 }).toBe(2);
  }
  await pages[1].close();
  await expect(pages[0].locator("video")).toHaveCount(1);
  await server.rest.deleteRoom(room.id);
  await expect(pages[0].locator("#status")).toHaveText("The call is over: room_expired");
  site.close();
  site.closeAllConnections();
});
