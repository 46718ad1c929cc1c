import type { Locator } from "@playwright/test";
import { Cable } from "../harness/cable.js";
import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/portal.js";

test.setTimeout(150_000);

/** What a lane's slider says of the moment it is at. */
const moment = (lanes: Locator) => lanes.getAttribute("aria-valuetext");

test("a session is followed, looked back on, and what went wrong in it is said", async ({
  server,
  operator,
  arrive,
}, info) => {
  const cable = await Cable.to(server.url);
  const room = await server.rest.createRoom({
    unique_name: "Tea at four",
    max_participants: 2,
    enable_recording: true,
    webhook_event_url: "https://hooks.invalid/",
  });
  const { page } = operator;
  await operator.open(`/rooms/${room.id}`);
  await expect(page.getByText("No session was held here yet.")).toBeVisible();

  const [first, second, third] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  const began = Date.now();
  await first.enter(server, room.id, { serverUrl: cable.url });
  await second.enter(server, room.id, { context: '{"id": 7, "username": "Bö"}' });
  await Promise.all([first.subscribe(second), second.subscribe(first)]);
  await third.initialize(server, room.id);
  await expect(third.connect()).rejects.toMatchObject({ code: "room_full" });
  const sessionId = (await server.rest.room(room.id)).active_session_id as string;

  // The room leads to the timeline of what goes on in it.
  await operator.open(`/rooms/${room.id}`);
  await page.getByRole("region", { name: "Latest sessions of the room" }).getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`/portal/sessions/${sessionId}/timeline`));
  await expect(page.getByText(/^Live, /)).toBeVisible();
  const people = page.getByRole("list", { name: "People in the order they came" });
  await expect(people.getByRole("link")).toHaveText(["Ada", "Bö"]);
  const events = page.getByRole("region", { name: "Events in sight" });
  const row = (what: string) => events.getByRole("row").filter({ hasText: what });
  await expect(row("was refused at the door: the room is full")).toBeVisible();

  // What happens is shown as it happens.
  await server.rest.moderate(sessionId, "mute", [first.id]);
  await expect(row("was muted by a moderator")).toContainText("Ada");
  cable.hang();
  cable.cut();
  await expect(row("was not heard of any more")).toContainText("Ada");
  const state = page.getByRole("region", { name: /^State at/ });
  await expect(state).toContainText("not heard of");
  cable.flow();
  await expect(row("was back")).toBeVisible();
  await server.rest.moderate(sessionId, "unmute", [first.id]);
  await expect(row("was unmuted")).toBeVisible();
  await expect(state).not.toContainText("muted");

  // A moment is gone back to, and can be sent to somebody.
  await row("had sound silenced by a moderator").getByRole("button").click();
  await expect(state.getByRole("listitem").filter({ hasText: "Ada" }).first()).toContainText("muted");
  await expect(state).toContainText("sound silenced");
  await expect(state).toContainText("recorded");
  await expect(page).toHaveURL(/at=/);
  await page.reload();
  await expect(state).toContainText("sound silenced");
  await page.getByRole("button", { name: "To the latest moment" }).click();
  await expect(state).not.toContainText("sound silenced");

  // By keyboard: to before anybody came, and from event to event.
  const lanes = page.getByRole("slider", { name: "Moment of the session" });
  await lanes.focus();
  await page.keyboard.press("Home");
  await expect.poll(() => moment(lanes)).toContain("0 in the session");
  await expect(state).toContainText("The session was not going on.");
  for (let i = 0; i < 2; i++) await page.keyboard.press("PageDown");
  await expect(state).toContainText("1 person in the session.");

  // Closer, aside, and all of it again.
  await page.keyboard.press("+");
  await expect(page).toHaveURL(/from=.*to=/);
  const box = await lanes.boundingBox();
  if (!box) throw new Error("the lanes are not to be seen");
  await page.mouse.move(box.x + box.width / 2, box.y + 60);
  await page.mouse.wheel(0, -400);
  await expect(events.getByRole("status")).not.toHaveText(/^0 events/);
  await page.getByRole("button", { name: "Show the whole session" }).click();
  await expect(page).not.toHaveURL(/from=/);
  await page.getByRole("radio", { name: "UTC" }).check({ force: true });
  const at = new Date(began).toISOString().slice(11, 15);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(at);
  await expect(page.getByText(/\d+ webhooks/)).toBeVisible();
  await events.getByRole("combobox", { name: "Which events" }).selectOption("Recordings");
  await expect(row("is being recorded: sound").first()).toBeVisible();
  await expect(row("joined")).toHaveCount(0);

  await page.getByRole("combobox", { name: "Which events" }).selectOption("Everything");
  await operator.inspect(info, "timeline");

  // Two whole intervals of ten seconds are measured, since people came.
  await expect
    .poll(async () => (await server.rest.quality(first.id)).filter((step) => step.by_client).length, {
      timeout: 40_000,
    })
    .toBeGreaterThanOrEqual(2);
  // The same view shows a session that is over.
  await server.rest.endSession(sessionId);
  await expect(page.getByText(/^Over, /)).toBeVisible();
  await expect(row("The session ended: by a call of the API")).toBeVisible();

  await people.getByRole("link", { name: "Ada" }).click();
  await expect(page.getByRole("heading", { name: "Quality of Ada" })).toBeVisible();
  const verdict = page.getByRole("region", { name: "What went wrong" });
  await expect(verdict).toContainText(
    "On the participant's side, in their network: the connection broke once",
  );
  await expect(page.getByText("@rotunda/video")).toBeVisible();
  await expect(page.getByText(/^Chrome \d+ on Linux$/)).toBeVisible();
  await expect(page.getByText("UDP", { exact: true })).toBeVisible();
  const sent = page.getByRole("img", { name: /^Bit rate sent\. Picture: .*Evidence of A/ });
  await expect(sent).toBeVisible();
  await expect(page.getByRole("img", { name: /^Bit rate received\. Pictures: / })).toBeVisible();
  await operator.inspect(info, "quality");
  await verdict.getByRole("button", { name: "Look closer" }).first().click();
  await expect(page).toHaveURL(/from=/);
  await page.getByRole("button", { name: "Whole stay" }).click();
  await expect(page).not.toHaveURL(/from=/);
  await page.getByRole("link", { name: "Timeline of the session" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(at);
  await cable.close();
});
