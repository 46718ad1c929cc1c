import { expect, it, vi } from "vitest";
import { expiryOf, Pass, PassError } from "./pass";

const roomId = "0191f4e2-8c5b-7a51-b6d3-0123456789ab";
const now = 1_800_000_000_000;

function tokenUntil(seconds: number): string {
  return `h.${btoa(JSON.stringify({ exp: now / 1_000 + seconds })).replace(/=+$/, "")}.s`;
}

function server(...answers: (Response | Error)[]) {
  return vi.fn<typeof fetch>(async () => {
    const answer = answers.shift();
    if (!answer) throw new Error("asked too often");
    if (answer instanceof Error) throw answer;
    return answer;
  });
}

const answer = (data: object) => Response.json({ data });

it("trades the demo secret for a ticket once, and refreshes with the refresh token", async () => {
  const fetch = server(
    answer({ room_id: roomId, token: tokenUntil(600), refresh_token: "r1" }),
    answer({ token: tokenUntil(900), refresh_token: "r2" }),
  );
  const pass = new Pass({ kind: "demo", secret: "s" }, { fetch, now: () => now });
  expect((await pass.ticket()).roomId).toBe(roomId);
  await pass.ticket();
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(fetch.mock.calls[0]?.[0]).toBe("/demo/token");
  expect(fetch.mock.calls[0]?.[1]?.body).toBe('{"secret":"s"}');

  expect((await pass.renew()).token).toBe(tokenUntil(900));
  expect(fetch.mock.calls[1]?.[0]).toBe(`/v2/rooms/${roomId}/actions/refresh_client_token`);
  expect(fetch.mock.calls[1]?.[1]?.body).toBe('{"refresh_token":"r1"}');
});

it("asks once for all who want a ticket at the same time", async () => {
  const fetch = server(answer({ room_id: roomId, token: tokenUntil(600), refresh_token: "r1" }));
  const pass = new Pass({ kind: "demo", secret: "s" }, { fetch, now: () => now });
  expect(await Promise.all([pass.ticket(), pass.ticket()])).toHaveLength(2);
  expect(fetch).toHaveBeenCalledTimes(1);
});

it("goes back to the secret when the demo's refresh token is refused", async () => {
  const fetch = server(
    answer({ room_id: roomId, token: tokenUntil(600), refresh_token: "r1" }),
    new Response("", { status: 401 }),
    answer({ room_id: roomId, token: tokenUntil(700), refresh_token: "r2" }),
  );
  const pass = new Pass({ kind: "demo", secret: "s" }, { fetch, now: () => now });
  await pass.ticket();
  expect((await pass.renew()).token).toBe(tokenUntil(700));
});

it("uses a join link's token as it is, and renews one about to expire", async () => {
  const fresh = new Pass(
    { kind: "room", roomId, token: tokenUntil(60), refreshToken: null },
    { fetch: server(), now: () => now },
  );
  expect(await fresh.ticket()).toEqual({ roomId, token: tokenUntil(60) });
  expect(fresh.renewable).toBe(false);

  const old = new Pass(
    { kind: "room", roomId, token: tokenUntil(-5), refreshToken: "r" },
    { fetch: server(answer({ token: tokenUntil(600) })), now: () => now },
  );
  expect((await old.ticket()).token).toBe(tokenUntil(600));
});

it.each([
  ["demo", 404, "demo_off"],
  ["demo", 403, "demo_secret"],
  ["demo", 503, "unreachable"],
  ["demo", 429, "unreachable"],
  ["room", 401, "expired"],
  ["room", 403, "expired"],
  ["room", 404, "expired"],
  ["room", 400, "server"],
])("calls a %s link answered with %i %s", async (kind, status, refusal) => {
  const fetch = server(new Response("", { status }));
  const pass =
    kind === "demo"
      ? new Pass({ kind: "demo", secret: "s" }, { fetch })
      : new Pass({ kind: "room", roomId, token: "t", refreshToken: "r" }, { fetch });
  await expect(pass.renew()).rejects.toMatchObject({ refusal });
});

it("knows silence, nonsense and dead ends", async () => {
  const link = { kind: "demo", secret: "s" } as const;
  await expect(new Pass(link, { fetch: server(new TypeError("offline")) }).ticket()).rejects.toMatchObject({
    refusal: "unreachable",
  });
  await expect(new Pass(link, { fetch: server(new Response("<html>")) }).ticket()).rejects.toMatchObject({
    refusal: "server",
  });
  const spent = new Pass(
    { kind: "room", roomId, token: tokenUntil(-5), refreshToken: null },
    { fetch: server() },
  );
  await expect(spent.renew()).rejects.toBeInstanceOf(PassError);
});

it.each(["", "x", "a.b.c", `a.${btoa("[]")}.c`, `a.${btoa('{"exp":"x"}')}.c`])(
  "finds no time in %j",
  (token) => {
    expect(expiryOf(token)).toBeNull();
  },
);
