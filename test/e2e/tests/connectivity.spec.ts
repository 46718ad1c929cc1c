import type { Caller } from "../harness/caller.js";
import type { Participant } from "../harness/participant.js";
import { ada, bo } from "../harness/people.js";
import type { Rotunda } from "../harness/rotunda.js";
import { expect, test } from "../harness/test.js";

interface Server {
  urls: string[];
  username?: string;
  credential?: string;
}

/** The ICE servers that the server names to a client. */
async function named(server: Rotunda, roomId: string, one: Participant): Promise<Server[]> {
  await one.initialize(server, roomId);
  const hello = one.frames.find(({ sent, content }) => !sent && content.type === "reply");
  if (!hello) throw new Error("the server did not answer hello");
  return (hello.content.data as { ice_servers: Server[] }).ice_servers;
}

/** Those with the URLs that match alone. */
function only(servers: Server[], wanted: RegExp): Server[] {
  return servers
    .map((server) => ({ ...server, urls: server.urls.filter((url) => wanted.test(url)) }))
    .filter(({ urls }) => urls.length > 0);
}

/** Has a page drop the candidates of the server that match, as if a firewall did. */
async function block(one: Participant, candidates: string): Promise<void> {
  await one.page.evaluate((pattern) => {
    type Take = (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
    const take: Take = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description: RTCSessionDescriptionInit) {
      const lines = (description.sdp ?? "").split("\r\n");
      const sdp = lines.filter((line) => !new RegExp(pattern).test(line)).join("\r\n");
      return take.call(this, { type: description.type, sdp });
    };
  }, candidates);
}

for (const transport of ["udp", "tcp"]) {
  test(`media goes over the relay by ${transport}`, async ({ server, arrive }) => {
    const room = await server.rest.createRoom();
    const [one, other] = [await arrive(ada), await arrive(bo)];
    const iceServers = only(await named(server, room.id, one), new RegExp(`^turn:.*transport=${transport}$`));
    expect(iceServers).toHaveLength(1);
    await one.enter(server, room.id, { iceTransportPolicy: "relay", iceServers });
    await other.enter(server, room.id);
    await Promise.all([one.subscribe(other), other.subscribe(one)]);
    await Promise.all([one.sees(other), other.sees(one)]);
    await Promise.all([one.hears(other), other.hears(one)]);
    expect(await one.ask((rig) => rig.route())).toMatchObject({
      local: "relay",
      relayed: transport,
      protocol: "udp",
    });
    expect(await other.ask((rig) => rig.route())).toMatchObject({ protocol: "udp" });
  });
}

test("the SDK relays with what the server names, without being told more", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [one, other] = [await arrive(ada), await arrive(bo)];
  await one.enter(server, room.id, { iceTransportPolicy: "relay" });
  await other.join(server, room.id);
  await other.subscribe(one);
  await other.sees(one);
  expect(await one.ask((rig) => rig.route())).toMatchObject({ local: "relay" });
});

test("media goes over TCP where UDP is blocked", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [one, other] = [await arrive(ada), await arrive(bo)];
  for (const each of [one, other]) await block(each, "^a=candidate:\\S+ 1 udp ");
  await one.enter(server, room.id);
  await other.enter(server, room.id);
  await Promise.all([one.subscribe(other), other.subscribe(one)]);
  await Promise.all([one.sees(other), other.sees(one)]);
  await Promise.all([one.hears(other), other.hears(one)]);
  for (const each of [one, other]) {
    expect(await each.ask((rig) => rig.route())).toMatchObject({ protocol: "tcp" });
  }
});

test.describe("IPv6", () => {
  test.use({ serverOptions: { flags: ["--rtc-public-ip", "::1"] } });
  for (const [protocol, blocked] of [
    ["udp", " tcp "],
    ["tcp", " udp "],
  ] as const) {
    test(`media goes over IPv6 and ${protocol}`, async ({ server, arrive }) => {
      const room = await server.rest.createRoom();
      const [one, other] = [await arrive(ada), await arrive(bo)];
      for (const each of [one, other]) await block(each, `^a=candidate:\\S+ 1${blocked}`);
      await one.enter(server, room.id);
      await other.join(server, room.id);
      await other.subscribe(one);
      await other.sees(one);
      expect(await other.ask((rig) => rig.route())).toMatchObject({ protocol, remote: "::1" });
    });
  }

  test("media goes over the relay", async ({ server, arrive }) => {
    const room = await server.rest.createRoom();
    const [one, other] = [await arrive(ada), await arrive(bo)];
    await one.enter(server, room.id, { iceTransportPolicy: "relay" });
    await other.join(server, room.id);
    await other.subscribe(one);
    await other.sees(one);
    expect(await one.ask((rig) => rig.route())).toMatchObject({ local: "relay", remote: "::1" });
  });
});

test.describe("fresh credentials", () => {
  test.use({ serverOptions: { flags: ["--turn-lifetime", "10m"] } });

  test("expire when the server says", async ({ server, arrive }) => {
    const room = await server.rest.createRoom();
    const [relay] = only(await named(server, room.id, await arrive(ada)), /^turn:/);
    const expires = Number(relay?.username?.split(":")[0]) * 1000;
    expect(expires - Date.now()).toBeGreaterThan(590_000 - 20_000);
    expect(expires - Date.now()).toBeLessThanOrEqual(600_000);
  });
});

test.describe("the page that checks the connection", () => {
  const outcome = (one: Caller, way: string) => one.page.getByTestId(`way-${way}`);
  const opened = async (server: Rotunda, one: Caller) => {
    await one.page.goto(server.demoLink.replace("/#", "/connectivity#"));
    await expect(one.page.getByRole("button", { name: "Check again" })).toBeEnabled({ timeout: 30_000 });
  };

  test.describe("where all is open", () => {
    test.use({ serverOptions: { flags: ["--demo"] } });

    test("finds every way, and leaves nobody behind", async ({ server, call }) => {
      const one = await call(ada);
      await opened(server, one);
      for (const way of ["udp", "tcp", "relay-udp", "relay-tcp"]) {
        await expect(outcome(one, way)).toHaveAttribute("data-outcome", "works");
      }
      await expect(outcome(one, "relay-tls")).toHaveAttribute("data-outcome", "absent");
      await expect(one.page.getByTestId("verdict")).toContainText("Calls work, over the best way");
      for (const width of [390, 1024]) {
        await one.page.setViewportSize({ width, height: 720 });
        await one.page.screenshot({ path: `test-results/connectivity-${width}.png`, fullPage: true });
      }
      const all = await server.rest.participants();
      expect(all.map(({ left_at }) => left_at === null)).toEqual([false]);
    });
  });

  test.describe("where only the relay is", () => {
    test.use({
      serverOptions: {
        flags: [
          "--demo",
          "--rtc-public-ip",
          "192.0.2.1",
          "--rtc-tcp-port",
          "off",
          "--turn-host",
          "127.0.0.1",
        ],
      },
    });

    test("names the settings to change", async ({ server, call }) => {
      const one = await call(ada);
      await opened(server, one);
      await expect(outcome(one, "udp")).toHaveAttribute("data-outcome", "blocked");
      await expect(outcome(one, "udp")).toContainText("--rtc-udp-port, --rtc-public-ip");
      await expect(outcome(one, "tcp")).toHaveAttribute("data-outcome", "absent");
      await expect(outcome(one, "tcp")).toContainText("--rtc-tcp-port");
      for (const way of ["relay-udp", "relay-tcp"]) {
        await expect(outcome(one, way)).toHaveAttribute("data-outcome", "works");
      }
      await expect(one.page.getByTestId("verdict")).toContainText("over the relay");
      await one.page.screenshot({ path: "test-results/connectivity-blocked.png", fullPage: true });
    });
  });
});
