import { ada, bo } from "../harness/people.js";
import { expect, owner, test } from "../harness/portal.js";

// Each screen is looked at in both themes and at phone width, and examined by axe each time.
test.setTimeout(150_000);

test("the setup link makes the owner, who gets a key and a call between two tabs", async ({
  server,
  operate,
  contextOf,
}, info) => {
  const operator = await operate();
  const { page } = operator;
  await page.goto(operator.setupLink);
  await expect(page.getByRole("heading", { name: "Set up your server" })).toBeVisible();
  expect(page.url(), "the secret leaves the address").toBe(`${server.url}/portal/setup`);
  await operator.inspect(info, "setup");
  await page.getByLabel("Your name").fill(owner.name);
  await page.getByLabel("Email").fill(owner.email);
  await page.getByLabel("Password").fill(owner.password);
  await page.getByRole("button", { name: "Become owner" }).click();

  await expect(page.getByRole("heading", { name: "Get started" })).toBeVisible();
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByRole("button", { name: "Copy the curl command" }).click();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  expect(curl).toMatch(
    /^curl -X POST 'http:\/\/127\.0\.0\.1:\d+\/v2\/rooms' -H "Authorization: Bearer KEY\w+/,
  );
  const key = /Bearer (\S+?)"/.exec(curl)?.[1];
  const made = await fetch(`${server.url}/v2/rooms`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
  });
  expect(made.status).toBe(201);

  for (const check of [
    "media port, UDP",
    "media port, TCP",
    "relay (TURN)",
    "TLS certificate",
    "disk",
    "clock",
    "ffmpeg",
  ]) {
    await expect(page.getByRole("listitem").filter({ hasText: check })).toBeVisible();
  }
  await page.getByRole("button", { name: "Make a test room" }).click();
  const link = await page.getByRole("link", { name: "Join test room" }).getAttribute("href");
  await operator.inspect(info, "start");
  for (const person of [ada, bo]) {
    const tab = await (await contextOf(person)).newPage();
    await tab.goto(link ?? "");
    await tab.getByTestId("join-name").fill(person.name);
    await tab.getByTestId("join-button").click();
    await expect(tab.getByTestId("leave")).toBeVisible();
  }
  await operator.open("/");
  await expect(page.getByRole("listitem").filter({ hasText: "People now" })).toContainText("2");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await operator.inspect(info, "overview");
});

test("signing in leads where one wanted to go, and out again", async ({ operator, operate }, info) => {
  const { page } = await operate();
  const visitor = { page };
  await page.goto(`${operator.server.url}/portal/rooms`);
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.getByLabel("Email").fill(owner.email);
  await page.getByLabel("Password").fill("something else");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("The email address or the password is wrong.");
  await expect(page.getByRole("alert")).toContainText("Request");
  await page.getByLabel("Password").fill(owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Rooms" })).toBeVisible();

  await page.getByRole("button", { name: owner.name }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(visitor.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await page.evaluate(async () => (await fetch("/v2/portal_session")).status)).toBe(401);
  const other = await operate();
  await other.open("/sign-in");
  await expect(other.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await other.inspect(info, "sign-in");
});

test("a room is made, found, changed, shared and deleted", async ({ server, operator, contextOf }, info) => {
  const { page } = operator;
  await operator.open("/rooms");
  await expect(page.getByText("There are no rooms yet.")).toBeVisible();
  await page.getByRole("button", { name: "New room" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Tea at four");
  await page.getByText("As curl").last().click();
  await expect(page.getByRole("dialog")).toContainText('"unique_name":"Tea at four"');
  await operator.inspect(info, "new-room");
  await page.getByRole("button", { name: "Make room" }).click();
  await expect(page.getByRole("heading", { name: "Tea at four" })).toBeVisible();
  const id = page.url().split("/").pop() ?? "";

  await page.keyboard.press("/");
  await page.keyboard.type(id.slice(0, 13));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/portal\/search\?text=/);
  await expect(page.getByText("1 found", { exact: true })).toBeVisible();
  await operator.open("/rooms");
  await page.getByLabel("Filter rooms by name or id").fill("four");
  await expect(page).toHaveURL(`${server.url}/portal/rooms?search=four`);
  await expect(page.getByText("1 room", { exact: true })).toBeVisible();
  await operator.inspect(info, "rooms");
  await page.getByRole("link", { name: "Tea at four" }).click();

  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Seats").fill("99");
  await page.getByRole("button", { name: "Save" }).click();
  expect(
    await page.getByLabel("Seats").evaluate((field: HTMLInputElement) => field.validity.rangeOverflow),
  ).toBe(true);
  await page.getByLabel("Seats").fill("4");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect((await server.rest.room(id)).max_participants).toBe(4);

  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByLabel("Good for").selectOption({ label: "10 minutes" });
  await page.getByRole("button", { name: "Make a link" }).click();
  await expect(page.getByRole("img", { name: "The join link as a QR code" })).toBeVisible();
  await operator.inspect(info, "invite");
  const link = await page.getByRole("link", { name: "Join", exact: true }).getAttribute("href");
  await page.getByRole("button", { name: "Done" }).click();
  const tab = await (await contextOf(ada)).newPage();
  await tab.goto(link ?? "");
  await tab.getByTestId("join-name").fill("Ada");
  await tab.getByTestId("join-button").click();
  await expect(tab.getByTestId("leave")).toBeVisible();
  await expect(page.getByText("Live, 1 person")).toBeVisible();
  await operator.inspect(info, "room");

  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("dialog")).toContainText("This ends its session with 1 person at once.");
  await page.getByRole("button", { name: "Delete and end the session" }).click();
  await expect(page.getByRole("heading", { name: "Rooms" })).toBeVisible();
  await expect(tab.locator("[data-ending]")).toBeVisible();
});

test("keys, members and the log of what they did", async ({ operator, operate }, info) => {
  const { page } = operator;
  await operator.open("/keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("backend");
  await page.getByLabel("Rights").selectOption("read-only");
  await page.getByRole("button", { name: "Make key" }).click();
  await expect(page.getByRole("dialog").locator("code").first()).toContainText("KEY");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Revoke backend" }).click();
  await page.getByRole("button", { name: "Revoke key" }).click();
  await expect(page.getByRole("row").filter({ hasText: "backend" })).toContainText("Revoked");
  await operator.inspect(info, "keys");

  await operator.open("/members");
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByLabel("Email").fill("grace@example.com");
  await page.getByLabel("Name", { exact: true }).fill("Grace Hopper");
  await page.getByLabel("Role").selectOption("support");
  await page.getByRole("dialog").getByRole("button", { name: "Invite", exact: true }).click();
  const link = await page.getByRole("dialog").locator("code", { hasText: "/portal/password#" }).textContent();
  await page.getByRole("button", { name: "Done" }).click();
  await operator.inspect(info, "members");

  const invited = await operate();
  await invited.page.goto(link ?? "");
  await invited.page.getByLabel("Password").fill("staple battery horse");
  await invited.page.getByRole("button", { name: "Choose it and sign in" }).click();
  await expect(invited.page.getByRole("heading", { name: "Overview" })).toBeVisible();
  const navigation = invited.page.getByRole("navigation", { name: "Portal" });
  await expect(navigation.getByRole("link")).toHaveText([
    "Overview",
    "Rooms",
    "Sessions",
    "Recordings",
    "Compositions",
    "Usage",
    "API reference",
  ]);
  await invited.open("/rooms");
  await expect(invited.page.getByText("There are no rooms yet. A developer can make one.")).toBeVisible();
  await invited.open("/keys");
  await expect(invited.page.getByRole("alert")).toContainText(
    'Your role is support, and this needs the right "administer".',
  );

  await operator.open("/audit");
  await expect(
    page
      .getByRole("row")
      .filter({ hasText: "member.sign_in" })
      .or(page.getByRole("row").filter({ hasText: "api_key.revoke" }))
      .first(),
  ).toContainText(owner.name);
  await page.getByLabel("Filter by action").selectOption("api_key.create");
  await expect(page.getByText("1 entry", { exact: true })).toBeVisible();
  await operator.inspect(info, "audit");
});

test("ten thousand rooms are there within a second and a half of a cold start", async ({
  server,
  operator,
  operate,
}) => {
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let i = lane; i < 10_000; i += 8) await server.rest.createRoom({ unique_name: `room ${i}` });
    }),
  );
  const cold = await operate();
  await cold.page.context().addCookies(await operator.page.context().cookies());
  const begun = performance.now();
  await cold.open("/rooms");
  await expect(cold.page.getByText("1 to 50 of 10,000 rooms")).toBeVisible();
  const loaded = performance.now() - begun;
  await cold.page.getByLabel("Filter rooms by name or id").fill("room 777");
  await expect(cold.page.getByText("11 rooms")).toBeVisible();
  test.info().annotations.push({ type: "loaded", description: `${Math.round(loaded)} ms` });
  console.log(`10,000 rooms shown after ${Math.round(loaded)} ms`);
});
