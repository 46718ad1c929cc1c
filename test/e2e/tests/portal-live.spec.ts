import type { Page } from "@playwright/test";
import { showsFilm } from "../harness/caller.js";
import { ada, bo } from "../harness/people.js";
import { expect, type Operator, owner, test } from "../harness/portal.js";

// The screen with the most in it is looked at in both themes and at phone width, and examined by axe each time.
test.setTimeout(150_000);

const card = (page: Page, name: string) =>
  page.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });

/** What the portal shows is there within two seconds of what happened. */
const soon = { timeout: 2_000 };

test("a moderator sees a session as it is, acts on it and watches it", async ({
  server,
  operator,
  arrive,
}, info) => {
  const { page } = operator;
  const room = await server.rest.createRoom({ unique_name: "Tea at four" });
  await operator.open(`/rooms/${room.id}/live`);
  await expect(page.getByText("Nobody is in this room.")).toBeVisible();
  await page.screenshot({ path: info.outputPath("live-empty.png") });

  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  await speaker.enter(server, room.id, { context: JSON.stringify({ name: "Ada" }) });
  await listener.enter(server, room.id);
  await listener.subscribe(speaker);
  await listener.sees(speaker);
  const first = card(page, "Ada");
  await expect(first.getByRole("row").filter({ hasText: "self · Picture" })).toContainText(
    /\d{3}×\d{3}.*bit\/s/,
  );
  await expect(first.getByRole("row").filter({ hasText: "self · Sound" })).toContainText("1");
  await card(page, "Bo").getByText("Takes 1 stream").click();
  await expect(card(page, "Bo").getByRole("row").filter({ hasText: "Ada: self · Picture" })).toContainText(
    /\d{3}×\d{3}/,
  );

  // What people do is seen here.
  await speaker.ask((rig) => rig.switch("audio", false));
  await expect(first.getByRole("row").filter({ hasText: "Sound" })).toContainText("Off", soon);
  await speaker.ask((rig) => rig.switch("audio", true));
  await expect(first.getByRole("row").filter({ hasText: "Sound" })).toContainText("On", soon);

  // What is done here is seen by people, and shown.
  await page.getByRole("checkbox", { name: "Tick Bo" }).check();
  await expect(page.getByText("1 person of 2 is meant.")).toBeVisible();
  await page.getByRole("button", { name: "Mute", exact: true }).click();
  await speaker.tells("track_censored", speaker.id, "self", "audio");
  await expect(first.getByText("Muted by a moderator").first()).toBeVisible(soon);
  await expect(page.getByText("Muted 1 person.")).toBeVisible();
  await expect(card(page, "Bo").getByText("Muted by a moderator")).toHaveCount(0);
  await page.getByRole("button", { name: "Record", exact: true }).click();
  await expect(first.getByText("Recorded", { exact: true }).first()).toBeVisible(soon);
  await expect.poll(() => listener.ask((rig) => rig.room.getState().recording)).toBe(true);
  await operator.inspect(info, "live");
  await page.getByRole("button", { name: "Stop recording" }).click();
  await expect.poll(() => listener.ask((rig) => rig.room.getState().recording)).toBe(false);
  await page.getByRole("button", { name: "Unmute Ada" }).click();
  await speaker.tells("track_uncensored", speaker.id, "self", "audio");

  // Nobody watches unseen.
  await page.getByRole("button", { name: "Watch" }).click();
  await expect(page.getByRole("dialog")).toContainText(`${owner.name} (watching)`);
  await page.getByRole("dialog").getByRole("button", { name: "Watch" }).click();
  await showsFilm(page.getByLabel("The picture of Ada"), ada);
  await showsFilm(page.getByLabel("The picture of Bo"), bo);
  await expect
    .poll(() =>
      speaker.ask((rig) =>
        [...rig.room.getState().participants.values()]
          .filter((one) => one.isWatcher)
          .map((one) => one.context),
      ),
    )
    .toEqual([JSON.stringify({ name: `${owner.name} (watching)`, watcher: true })]);
  await expect(card(page, `${owner.name} (watching)`).getByText("Watching", { exact: true })).toBeVisible();
  expect(await operator.findings()).toEqual([]);
  await page.screenshot({ path: info.outputPath("live-watched.png") });
  await page.getByRole("button", { name: "Stop watching" }).click();
  await expect(card(page, `${owner.name} (watching)`)).toHaveCount(0);
  await operator.open("/audit?action=room_session.watch");
  await expect(page.getByRole("row").filter({ hasText: "room_session.watch" })).toContainText(owner.name);

  await operator.open(`/rooms/${room.id}/live`);
  await page.getByRole("button", { name: "Remove Bo" }).click();
  await page.getByRole("dialog").getByText("As curl").click();
  await expect(page.getByRole("dialog")).toContainText("/actions/kick");
  await page.screenshot({ path: info.outputPath("live-remove.png") });
  await page.getByRole("button", { name: "Remove 1 person" }).click();
  await listener.tells("disconnected", "kicked");
  await expect(card(page, "Bo")).toHaveCount(0, soon);
  await page.getByRole("button", { name: "End session" }).click();
  await expect(page.getByRole("dialog")).toContainText("Puts out 1 person at once and ends 1 stream.");
  await page.getByRole("button", { name: "End it for 1 person" }).click();
  await speaker.tells("disconnected", "session_terminated");
  await expect(page.getByText("This session has ended.")).toBeVisible(soon);
  await expect(page.getByText("Ended from API")).toBeVisible();
});

/** Signs somebody in with this role. */
async function enter(visitor: Operator, operator: Operator, role: string): Promise<void> {
  await operator.open("/members");
  await operator.page.getByRole("button", { name: "Invite" }).click();
  await operator.page.getByLabel("Email").fill(`${role}@example.com`);
  await operator.page.getByLabel("Name", { exact: true }).fill("Grace Hopper");
  await operator.page.getByLabel("Role").selectOption(role);
  await operator.page.getByRole("dialog").getByRole("button", { name: "Invite", exact: true }).click();
  const link = await operator.page
    .getByRole("dialog")
    .locator("code", { hasText: "/portal/password#" })
    .textContent();
  await operator.page.getByRole("button", { name: "Done" }).click();
  await visitor.page.goto(link ?? "");
  await visitor.page.getByLabel("Password").fill("staple battery horse");
  await visitor.page.getByRole("button", { name: "Choose it and sign in" }).click();
  await expect(visitor.page.getByRole("heading", { name: "Overview" })).toBeVisible();
}

test("support acts and does not watch, changes their password, and is removed", async ({
  server,
  operator,
  operate,
  arrive,
}, info) => {
  const visitor = await operate();
  const { page } = visitor;
  await enter(visitor, operator, "support");
  const room = await server.rest.createRoom();
  await (await arrive(ada)).join(server, room.id);
  await visitor.open(`/rooms/${room.id}/live`);
  await expect(page.getByRole("button", { name: "Mute Ada" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Watch" })).toHaveCount(0);

  await page.getByRole("button", { name: "Grace Hopper" }).click();
  await page.getByRole("link", { name: "Change password" }).click();
  const fill = async (present: string) => {
    await page.getByLabel("Present password").fill(present);
    await page.getByLabel("New password", { exact: true }).fill("correct battery staple");
    await page.getByLabel("New password again").fill("correct battery staple");
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await fill("something else");
  await expect(page.getByRole("alert")).toContainText("password");
  await visitor.inspect(info, "own-password");
  await fill("staple battery horse");
  await expect(page.getByText("Your password is changed")).toBeVisible();

  await operator.page.getByRole("button", { name: "Change Grace Hopper" }).click();
  await operator.page.getByRole("button", { name: "Make a password link" }).click();
  await operator.page.getByRole("dialog").getByText("As curl").click();
  await expect(operator.page.getByRole("dialog")).toContainText("/actions/reset_password");
  await operator.page.getByRole("button", { name: "Back" }).click();
  await operator.page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(operator.page.getByRole("dialog")).toContainText(
    "Grace Hopper is signed out everywhere at once",
  );
  await operator.page.screenshot({ path: info.outputPath("remove-member.png") });
  await operator.page.getByRole("button", { name: "Remove and sign out" }).click();
  await expect(operator.page.getByRole("row").filter({ hasText: "Grace Hopper" })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});
