import { showsFilm } from "../harness/caller.js";
import { ada, bo, cy, shy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test.describe("with the demo link", () => {
  test.use({ serverOptions: { flags: ["--demo"] } });

  test("two people talk", async ({ server, call }, info) => {
    const [first, second] = [await call(ada), await call(bo)];
    await first.page.goto(server.demoLink);
    await showsFilm(first.page.getByTestId("preview").locator("video"), ada);
    await first.photograph(info, "join");
    await first.join(server.demoLink);
    await expect(first.page.getByText("Nobody else is here yet.")).toBeVisible();
    await first.photograph(info, "alone");
    await second.join(server.demoLink);

    await first.sees(second);
    await second.sees(first);
    await showsFilm(first.ownTile.locator("video"), ada);
    await first.photograph(info, "call");

    await expect(second.tileOf(first)).toHaveAttribute("data-muted", "false");
    await first.page.getByTestId("mic").click();
    await expect(second.tileOf(first)).toHaveAttribute("data-muted", "true");
    await expect(second.tileOf(first).locator("[data-sign=muted]")).toBeVisible();
    await second.photograph(info, "muted");
    await first.page.getByTestId("mic").click();
    await expect(second.tileOf(first)).toHaveAttribute("data-muted", "false");
    // A tone is no silence.
    await expect(second.tileOf(first)).toHaveAttribute("data-speaking", "true");

    await first.page.getByTestId("camera").click();
    await expect(second.tileOf(first).locator("video")).toHaveCount(0);
    await first.page.getByTestId("camera").click();
    await second.sees(first);

    await first.say("Good evening");
    await second.openPanel("chat");
    await expect(second.messages).toHaveText(["Good evening"]);
    await second.say("Just for you", first);
    await expect(first.messages).toHaveText(["Good evening", "Just for you"]);
    await first.photograph(info, "chat");
    await first.openPanel("people");
    await expect(first.page.locator("[data-testid^=person-]")).toHaveCount(2);
    await first.photograph(info, "people");

    await second.page.getByTestId("leave").click();
    await expect(second.page.locator("[data-ending=left]")).toBeVisible();
    await second.photograph(info, "left");
    await expect(first.tileOf(second)).toHaveCount(0);
    await second.page.getByTestId("rejoin").click();
    await second.isInCall();
    await first.sees(second);
  });

  test("a screen is shared and seen", async ({ server, call }, info) => {
    const [presenter, viewer] = [await call(ada), await call(bo)];
    await presenter.join(server.demoLink);
    await viewer.join(server.demoLink);
    await viewer.sees(presenter);
    await presenter.page.getByTestId("share").click();
    const screen = viewer.screenOf(presenter);
    await expect(screen.locator("video[data-shown=true]")).toBeVisible();
    const size = () => screen.locator("video").evaluate((video: HTMLVideoElement) => video.videoWidth);
    await expect.poll(size).toBeGreaterThanOrEqual(640);
    await viewer.photograph(info, "viewer");
    await presenter.photograph(info, "presenter");
    await presenter.page.getByTestId("share").click();
    await expect(screen).toHaveCount(0);
    await viewer.sees(presenter);
  });

  test("a call comes back after the server did", async ({ server, call }, info) => {
    const [first, second] = [await call(ada), await call(bo)];
    await first.join(server.demoLink);
    await second.join(server.demoLink);
    await first.sees(second);
    await server.stop();
    for (const one of [first, second]) {
      await expect(one.page.getByTestId("banner")).toContainText("Connection lost");
    }
    await first.photograph(info, "banner");
    await server.restart();
    for (const one of [first, second]) {
      await expect(one.page.getByTestId("banner")).toHaveCount(0, { timeout: 20_000 });
      await one.isInCall();
    }
    await first.sees(second);
    await second.sees(first);
    await expect(first.page.locator("[data-testid^=tile-]")).toHaveCount(2);
  });

  test("who refuses camera and microphone is told how to allow them, and can watch", async ({
    server,
    call,
  }, info) => {
    const [watcher, other] = [await call(shy), await call(bo)];
    await watcher.page.goto(server.demoLink);
    for (const word of [/camera/i, /microphone/i, /blocked/i]) {
      await expect(watcher.page.getByTestId("error")).toContainText(word);
    }
    await watcher.photograph(info, "blocked");
    await watcher.join(server.demoLink);
    await other.join(server.demoLink);
    await watcher.sees(other);
    await expect(other.tileOf(watcher)).toHaveAttribute("data-muted", "true");
    await other.photograph(info, "without-camera");
  });

  test("a call fits a phone", async ({ server, call }, info) => {
    const [first, second] = [await call(ada), await call(bo)];
    await first.page.setViewportSize({ width: 390, height: 780 });
    await first.page.goto(server.demoLink);
    await expect(first.page.getByTestId("join-button")).toBeInViewport();
    await showsFilm(first.page.getByTestId("preview").locator("video"), ada);
    await first.photograph(info, "join");
    await first.join(server.demoLink);
    await second.join(server.demoLink);
    await first.sees(second);
    for (const name of ["mic", "camera", "leave"]) {
      await expect(first.page.getByTestId(name)).toBeInViewport();
    }
    await first.photograph(info, "call");
    await first.say("From my phone");
    await first.photograph(info, "chat");
    const overflow = () => first.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
  });
});

test("a link with a room and a token opens a call, and says why when it does not", async ({
  server,
  call,
}, info) => {
  const room = await server.rest.createRoom({ max_participants: 2 });
  const link = async () =>
    `${server.url}/#room=${room.id}&token=${(await server.rest.tokens(room.id)).token}`;
  const [first, second, third] = [await call(ada), await call(bo), await call(cy)];
  await first.join(await link());
  await second.join(await link());
  await first.sees(second);

  const open = async (at: string) => {
    await third.page.goto("about:blank");
    await third.page.goto(at);
  };
  const refused = async (at: string) => {
    await open(at);
    await third.page.getByTestId("join-button").click();
  };
  await refused(await link());
  await expect(third.page.locator("[data-ending=room_full]")).toContainText("The room is full");
  await third.photograph(info, "room-full");
  await refused(`${server.url}/#room=${room.id}&token=nonsense`);
  await expect(third.page.locator("[data-ending=token_expired]")).toContainText("This link has expired");
  // A demo secret is tried before anybody clicks.
  await open(`${server.url}/#demo=nonsense`);
  await expect(third.page.locator("[data-ending=demo_off]")).toBeVisible();
  await open(`${server.url}/#room=nonsense&token=x`);
  await expect(third.page.getByTestId("error")).toContainText("names no room");
  await third.photograph(info, "start");

  await server.rest.deleteRoom(room.id);
  for (const one of [first, second]) {
    await expect(one.page.locator("[data-ending=room_deleted]")).toContainText("This room no longer exists");
  }
  await first.photograph(info, "deleted");
});
