import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ada, bo } from "../harness/people.js";
import { expect, test } from "../harness/portal.js";

test.setTimeout(240_000);

test.describe("what is used", () => {
  test.use({ serverOptions: { flags: ["--linger", "0s"] } });

  test("usage shows what two tabs used, by room and by day, and as a file", async ({
    server,
    operator,
    arrive,
  }, info) => {
    const { page } = operator;
    await operator.open("/usage");
    await expect(page.getByText("Nothing was used on these days.")).toBeVisible();
    const room = await server.rest.createRoom({ unique_name: "Tea at four", enable_recording: true });
    const [first, second] = [await arrive(ada), await arrive(bo)];
    for (const person of [first, second]) await person.enter(server, room.id);
    await first.subscribe(second);
    await first.sees(second);
    const session = (await server.rest.room(room.id)).active_session_id ?? "";
    const figure = (name: string) => page.getByRole("listitem").filter({ hasText: name }).locator(".value");
    await expect(async () => {
      await page.reload();
      await expect(figure("In sessions")).not.toHaveText("0 min", { timeout: 1_000 });
    }, "those who are there count").toPass();
    for (const person of [first, second]) await person.closeTab();
    await expect
      .poll(async () => (await server.rest.recordings(session)).map(({ status }) => status), {
        timeout: 20_000,
      })
      .toEqual(Array(4).fill("completed"));
    const recordings = await server.rest.recordings(session);
    const film = recordings.find(({ type }) => type === "video");
    await (await fetch(film?.download_url ?? "")).arrayBuffer();
    await expect(async () => {
      await page.reload();
      await expect(figure("Sent to clients")).not.toHaveText("0 MB", { timeout: 1_000 });
      await expect(figure("Downloaded")).not.toHaveText("0 MB", { timeout: 1_000 });
    }, "traffic is written every 10 s").toPass({ timeout: 25_000 });
    await expect(figure("Recorded")).not.toHaveText("0 min");
    await expect(figure("Stored")).not.toHaveText("0 MB");
    await operator.inspect(info, "usage");

    await page.getByRole("button", { name: "Tea at four" }).click();
    await expect(page).toHaveURL(new RegExp(`room=${room.id}`));
    await expect(page.getByText("1 line", { exact: true })).toBeVisible();
    await page.getByLabel("Add up").selectOption("room_day");
    await expect(page.getByRole("region", { name: "Usage" })).toContainText("Tea at four");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "CSV" }).click(),
    ]);
    const lines = (await readFile((await file.path()) ?? "", "utf8")).trim().split("\n");
    expect(lines[0]).toContain("date,room_id,room_name,participant_minutes");
    expect(lines[1]).toContain(`${room.id},Tea at four,`);
    expect(lines).toHaveLength(2);
  });
});

test("the system screen shows how the server is set, without secrets, and tests its storage", async ({
  operator,
}, info) => {
  const { page } = operator;
  await operator.open("/system");
  await expect(page.getByText(/^local, /).first()).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "disk" })).toBeVisible();
  await page.getByRole("button", { name: "Test it now" }).click();
  await expect(page.getByText("Works", { exact: true })).toBeVisible();
  await operator.inspect(info, "system");
  const settings = page.getByRole("region", { name: "Settings" });
  await expect(settings.getByRole("row").filter({ hasText: "ROTUNDA_API_KEY" })).toContainText(
    "set, not shown",
  );
  await page.getByRole("checkbox", { name: "Only what was changed" }).check();
  await expect(settings.getByRole("row").filter({ hasText: "large_room" })).toHaveCount(0);
  await page.getByLabel("Filter settings by name or value").fill("data");
  await expect(page).toHaveURL(/search=data/);
  await expect(settings.getByRole("row").filter({ hasText: "ROTUNDA_DATA" })).toContainText("Flag");
  await page.reload();
  await expect(page.getByText(/^1 of \d+ settings$/)).toBeVisible();
});

test.describe("webhooks", () => {
  test.use({ serverOptions: { flags: ["--webhook-allow-private"] } });

  test("what was told is seen attempt by attempt, and told again; keys are rotated", async ({
    operator,
  }, info) => {
    const { page } = operator;
    let status = 404;
    const heard: { id: string; signature: string }[] = [];
    const receiver = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => {
        heard.push({ id: JSON.parse(body).data.id, signature: String(request.headers["webhook-signature"]) });
        response.writeHead(status).end(status === 200 ? "thank you" : "not here");
      });
    });
    await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
    try {
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
      await operator.open("/webhooks");
      await expect(page.getByText("Nothing was told yet.")).toBeVisible();
      await page.getByRole("link", { name: "Settings and keys" }).click();
      await page.getByLabel("URL", { exact: true }).fill(url);
      await page.getByRole("checkbox", { name: "Recordings that failed" }).check();
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByText("Saved")).toBeVisible();
      await page.getByRole("button", { name: "Make one" }).click();
      await page.getByRole("button", { name: "Make it" }).click();
      await expect(page.locator("code", { hasText: /^whsec_/ })).toBeVisible();
      await page.getByRole("button", { name: "Prepare the next key" }).click();
      const [, next] = await page
        .locator(".copy-line code", { hasText: /^[A-Za-z0-9+/]{43}=$/ })
        .allTextContents();
      await operator.inspect(info, "webhook-settings");
      await page.getByRole("button", { name: "Sign with the next key" }).click();
      await page.getByRole("button", { name: "Change the key" }).click();
      await expect(page.getByRole("button", { name: "Prepare the next key" })).toBeVisible();
      await expect(page.locator(".copy-line code", { hasText: next ?? "none" })).toBeVisible();

      await page.getByRole("link", { name: "Deliveries" }).click();
      await page.getByRole("button", { name: "Send a test" }).click();
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await expect(page.getByRole("heading", { name: "rotunda.test" })).toBeVisible();
      const first = page.getByRole("article", { name: "Attempt 1" });
      await expect(first).toContainText("Answer 404");
      await expect(first).toContainText("not here");
      await expect(page.getByText("(75404)").first()).toBeVisible();
      await operator.inspect(info, "webhook");
      const id = page.url().split("/").pop() ?? "";
      expect(heard[0]).toMatchObject({ id, signature: expect.stringMatching(/v1,/) });

      await operator.open(`/webhooks?text=${id}`);
      await expect(page.getByText("1 delivery", { exact: true })).toBeVisible();
      await expect(page.getByRole("region", { name: "Webhook deliveries" })).toContainText("404");
      status = 200;
      await page.getByRole("button", { name: "Deliver again" }).click();
      await page.getByRole("button", { name: "Deliver 1 event again" }).click();
      await expect(page.getByText("1 is on its way.")).toBeVisible();
      await page.getByRole("button", { name: "Done" }).click();
      await expect(page.getByRole("region", { name: "Webhook deliveries" })).toContainText("Delivered");
      await operator.inspect(info, "webhooks");
      await page.getByRole("link", { name: "rotunda.test" }).click();
      const told = heard.length;
      await page.getByRole("button", { name: "Deliver again" }).click();
      await expect.poll(() => heard.length).toBe(told + 1);
      await expect(page.getByRole("article").first()).toContainText("thank you");
      await operator.open("/webhooks?status=failed");
      await expect(page.getByText("No delivery is like that.")).toBeVisible();
    } finally {
      receiver.closeAllConnections();
      receiver.close();
    }
  });
});
