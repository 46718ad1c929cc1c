import type { Page } from "@playwright/test";
import { test as base, expect, type Operator } from "../harness/portal.js";
import { Provider } from "../harness/provider.js";

const test = base.extend<{ provider: Provider }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner wants it written so
  provider: async ({}, use) => {
    const provider = await Provider.start();
    await use(provider);
    await provider.close();
  },
  serverOptions: async ({ provider }, use) =>
    use({
      flags: [
        "--oidc-issuer",
        provider.url,
        "--oidc-client-id",
        provider.client,
        "--oidc-name",
        "Example",
        "--oidc-roles",
        "engineers=developer",
        "--oidc-roles",
        "admins=owner",
        "--oidc-domains",
        "example.com",
        "--portal-passwords",
        "owners",
      ],
      env: { ROTUNDA_OIDC_CLIENT_SECRET: provider.secret },
    }),
});

test.setTimeout(120_000);

const grace = { sub: "7", name: "Grace Hopper", email: "grace@example.com", email_verified: true };
const button = (page: Page) => page.getByRole("button", { name: "Sign in with Example" });

/** Takes the provider's own pages off what the portal may not ask of others. */
function forgive({ strays }: Operator, provider: Provider): void {
  expect(strays.filter((url) => !url.startsWith(`${provider.url}/authorize?`))).toEqual([]);
  strays.length = 0;
}

test("a provider signs people in, with the role it gives them", async ({
  server,
  provider,
  operator,
  operate,
}, info) => {
  const visitor = await operate();
  const { page } = visitor;
  provider.claims = { ...grace, groups: ["engineers"] };
  await visitor.open("/rooms");
  await expect(button(page)).toBeVisible();
  await expect(page.getByText("or, as an owner, with a password")).toBeVisible();
  await visitor.inspect(info, "sign-in-provider");
  await button(page).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Rooms" })).toBeVisible();
  expect(page.url(), "neither code nor state stay in the address").toBe(`${server.url}/portal/rooms`);
  const cookies = await page.context().cookies(`${server.url}/v2/portal_session`);
  expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toEqual([
    { name: "rotunda_portal", httpOnly: true, sameSite: "Strict" },
  ]);
  await expect(page.getByRole("link", { name: "Members" })).toHaveCount(0);

  // The next sign-in has the role of then.
  provider.claims = { ...grace, groups: ["engineers", "admins"] };
  await page.getByRole("button", { name: grace.name }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await button(page).click();
  await page.getByRole("link", { name: "Continue" }).click();
  await page.getByRole("link", { name: "Members" }).click();
  const row = page.getByRole("row").filter({ hasText: grace.email });
  await expect(row).toContainText("owner");
  await expect(row).toContainText("provider");
  await visitor.inspect(info, "members-provider");
  await page.getByRole("button", { name: `Change ${grace.name}` }).click();
  await expect(page.getByRole("dialog")).toContainText("Example sets it anew when they sign in there");
  await visitor.inspect(info, "member-provider");
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("dialog")).toContainText("The sign-in provider may let them in again");
  forgive(visitor, provider);

  await operator.open("/audit");
  for (const action of ["member.create", "member.sign_in", "member.update"]) {
    await expect(
      operator.page.getByRole("row").filter({ hasText: action }).filter({ hasText: "by OIDC" }).first(),
    ).toBeVisible();
  }
  expect(server.log).not.toContain(provider.secret);
});

test("who is not let in is told why, and can try again", async ({ server, provider, operate }, info) => {
  const visitor = await operate();
  const { page } = visitor;
  const alert = page.getByRole("alert");
  const attempt = async (link: "Continue" | "Give up", says: string) => {
    await visitor.open("/sign-in");
    await button(page).click();
    await page.getByRole("link", { name: link }).click();
    await expect(page.getByRole("heading", { name: "You are not signed in" })).toBeVisible();
    await expect(alert).toContainText(says);
    await expect(alert).toContainText("Request");
    expect(page.url()).toBe(`${server.url}/portal/oidc`);
  };
  provider.claims = { ...grace, groups: ["tea"] };
  await attempt("Continue", "You have no role here");
  await visitor.inspect(info, "oidc-refused");
  provider.claims = { ...grace, groups: ["admins"], email: "grace@elsewhere.example" };
  await attempt("Continue", "Email addresses of your domain may not sign in here.");
  provider.claims = { ...grace, groups: ["admins"], nonce: "another" };
  await attempt("Continue", "does not hold");
  await attempt("Give up", "The sign-in was given up");
  await expect(page.getByText("555-0100")).toHaveCount(0);

  await visitor.open("/oidc?code=somebody&state=elses");
  await expect(alert).toContainText("was not begun in this browser");
  await visitor.open("/oidc");
  await expect(page.getByRole("heading", { name: "Nothing to finish" })).toBeVisible();
  await page.getByRole("link", { name: "To the sign-in page" }).click();
  provider.claims = { ...grace, groups: ["admins"] };
  await button(page).click();
  const back = await page.getByRole("link", { name: "Continue" }).getAttribute("href");
  provider.down = true;
  await page.goto(back ?? "");
  await expect(alert).toContainText("The sign-in provider cannot be reached at present");
  provider.down = false;
  await visitor.open("/sign-in");
  await button(page).click();
  await page.getByRole("link", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  forgive(visitor, provider);
  expect(server.log).toContain("sign-in by OIDC was refused");
});
