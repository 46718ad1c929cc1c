import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/portal.js";

test.setTimeout(120_000);
test.use({ serverOptions: { flags: ["--linger", "0s"] } });

test("each figure opens its list, what changes is pushed, and any id is found", async ({
  server,
  operator,
  arrive,
}, info) => {
  const { page } = operator;
  const room = await server.rest.createRoom({
    unique_name: "Tea at four",
    max_participants: 2,
    enable_recording: true,
    webhook_event_url: "https://hooks.invalid/",
  });
  const [first, second, third] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  await first.enter(server, room.id, { context: JSON.stringify({ name: "Ada" }) });
  await second.enter(server, room.id);
  await third.initialize(server, room.id);
  await expect(third.connect()).rejects.toMatchObject({ code: "room_full" });
  const session = (await server.rest.room(room.id)).active_session_id as string;

  const figure = (name: string) => page.locator(".tally li").filter({ hasText: name });
  const follow = async (name: string, value: string, path: string) => {
    await operator.open("/");
    await expect(figure(name)).toContainText(value);
    await figure(name).getByRole("link").click();
    await expect(page).toHaveURL(new RegExp(`/portal${path}`));
  };
  const rows = (label: string) => page.getByRole("region", { name: label, exact: true }).locator("tbody tr");

  await follow("People now", "2", "/sessions/people\\?state=in");
  await expect(page.getByText("2 people", { exact: true })).toBeVisible();
  await expect(rows("People").filter({ hasText: "Ada" })).toContainText("In a session");
  await operator.inspect(info, "people");
  await page.getByLabel("State").selectOption("lost");
  await expect(page.getByText("Nobody is like that.")).toBeVisible();

  await follow("Sessions now", "1", "/sessions\\?state=live");
  await expect(rows("Sessions")).toContainText("Live");
  await operator.inspect(info, "sessions");
  await page.getByRole("link", { name: `People of the session ${session}` }).click();
  await expect(page.getByText("2 people", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: /^Of session/ }).click();
  await expect(page).not.toHaveURL(/session=/);

  await follow("Joins refused, 24 h", "1", "/sessions/refused\\?from=");
  await expect(rows("Refused joins")).toContainText("The room is full");
  await operator.inspect(info, "refused");
  await rows("Refused joins").getByRole("link").first().click();
  await expect(page).toHaveURL(new RegExp(`/portal/sessions/${session}/timeline\\?.*at=`));

  await follow("Webhooks waiting", "", "/webhooks\\?status=pending");
  await expect(rows("Webhook deliveries").first()).toContainText("Pending");
  await follow("Rooms", "1", "/rooms");
  for (const name of ["Compositions in work", "Compositions waiting"]) {
    await follow(name, "0", "/compositions\\?status=");
    await expect(page.getByText("No composition is like that.")).toBeVisible();
  }
  for (const name of ["Processors", "Disk free"]) await follow(name, "", "/system");

  // Over time, too.
  await operator.open("/?span=1h");
  await page.getByRole("link", { name: "2 joins" }).click();
  await expect(page.getByText("2 people", { exact: true })).toBeVisible();
  await page.goBack();
  await page.getByRole("link", { name: "1 refused join" }).click();
  await expect(page.getByText("1 refused join", { exact: true })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("link", { name: "0 lost connections" })).toBeVisible();

  // What becomes of recordings is pushed: nothing is asked for again.
  const processing = async () =>
    (await server.rest.recordings(session)).filter(({ status }) => status === "processing").length;
  await expect.poll(processing).toBe(4);
  await follow("Recordings in work", "4", "/recordings\\?status=processing");
  await expect(rows("Recordings").filter({ hasText: "Recording" })).toHaveCount(4);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.resourceType() === "fetch") asked.push(request.url());
  });
  await server.rest.endSession(session);
  await expect(page.getByText("No recording is like that.")).toBeVisible();
  expect(asked.filter((url) => url.includes("/v2/room_recordings"))).toEqual([]);

  // By a whole id, by the beginning of one, and by a name.
  const seek = async (text: string) => {
    await page.keyboard.press("/");
    await page.keyboard.insertText(text);
    await page.keyboard.press("Enter");
  };
  await seek(session);
  await expect(page).toHaveURL(new RegExp(`/portal/sessions/${session}/timeline`));
  const [recording] = await server.rest.recordings(session);
  await seek(recording?.id.toUpperCase() ?? "");
  await expect(page).toHaveURL(`${server.url}/portal/recordings/${recording?.id}`);
  await seek(first.id.slice(0, 13));
  const found = page.getByRole("region", { name: "Participants" });
  await expect(found.getByRole("link", { name: "Ada" })).toBeVisible();
  await seek("tea");
  await expect(page.getByText("1 found", { exact: true })).toBeVisible();
  await operator.inspect(info, "search");
  await page.getByRole("link", { name: "Tea at four" }).click();
  await expect(page.getByRole("heading", { name: "Tea at four" })).toBeVisible();
  await page.getByRole("link", { name: "All of them" }).click();
  await expect(page).toHaveURL(new RegExp(`/portal/sessions\\?room=${room.id}`));
  await expect(rows("Sessions")).toContainText("Over");
});
