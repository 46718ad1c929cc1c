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
  return (hello?.content.data as { ice_servers: Server[] }).ice_servers;
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
    const take = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
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
    expect(await one.ask((rig) => rig.route())).toMatchObject({ local: "relay", relayed: transport, protocol: "udp" });
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
