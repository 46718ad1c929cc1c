import { setTimeout as pause } from "node:timers/promises";
import { ada, bo, cy } from "../harness/people.js";
import { expect, test } from "../harness/test.js";

test("forged and foreign tokens are refused, each with its code", async ({ server, arrive }) => {
  const [room, other] = [await server.rest.createRoom(), await server.rest.createRoom()];
  const { token, refresh_token } = await server.rest.tokens(room.id);
  const { token: foreign } = await server.rest.tokens(other.id);
  const visitor = await arrive(ada);
  const refusal = (options: Parameters<typeof visitor.initialize>[2]) =>
    visitor.initialize(server, room.id, options).then(
      () => "no refusal",
      (error) => (error as { code?: string }).code ?? error,
    );
  expect(await refusal({ clientToken: "not a token" })).toBe("unauthorized");
  expect(await refusal({ clientToken: " " })).toBe("invalid_argument");
  expect(await refusal({ clientToken: forged(token, other.id) })).toBe("unauthorized");
  expect(await refusal({ clientToken: unsigned(token) })).toBe("unauthorized");
  expect(await refusal({ clientToken: foreign })).toBe("unauthorized");
  expect(await refusal({ clientToken: refresh_token })).toBe("unauthorized");
  expect(await refusal({ clientToken: token, context: "x".repeat(4097) })).toBe("invalid_argument");
  expect(await refusal({ clientToken: token, serverUrl: "http://127.0.0.1:9" })).toBe("network_error");
  expect(await refusal({ clientToken: token })).toBe("no refusal");
  expect((await server.rest.room(room.id)).active_session_id, "nobody came in").toBeUndefined();
});

test("a token gives no more than it grants", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, viewer] = [await arrive(ada), await arrive(bo)];
  await speaker.enter(server, room.id, { wishes: { grants: { subscribe: false } } });
  await viewer.join(server, room.id, { wishes: { grants: { publish: false, send_messages: false } } });
  await expect(viewer.publish()).rejects.toMatchObject({ code: "forbidden" });
  await expect(viewer.ask((rig) => rig.send("hello"))).rejects.toMatchObject({ code: "forbidden" });
  await viewer.subscribe(speaker);
  await viewer.sees(speaker);
  expect(Object.keys((await speaker.state()).streams)).toEqual([`${speaker.id}/self`]);
});

test("a call outlives its first token if that is renewed, and only then", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const short = { token_ttl_secs: 10 };
  const [keeper, forgetter, late] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  const tokens = await server.rest.tokens(room.id, short);
  const issued = Date.now();
  await keeper.enter(server, room.id, { clientToken: tokens.token });
  const forgotten = (await server.rest.tokens(room.id, short)).token;
  await forgetter.enter(server, room.id, { clientToken: forgotten });
  await keeper.subscribe(forgetter);
  await keeper.sees(forgetter);

  const fresh = await server.rest.refreshedToken(room.id, tokens.refresh_token, 60);
  await keeper.ask((rig, token) => rig.room.updateClientToken(token), fresh);
  const end = await forgetter.tells("disconnected", "unauthorized");
  const life = end.at - issued;
  expect(life, "ten seconds, and five of grace").toBeGreaterThan(14_000);
  expect(life).toBeLessThan(18_000);
  await keeper.tells("participant_left", forgetter.id);
  expect(keeper.notices("participant_left")).toMatchObject([{ reason: "token_expired" }]);
  expect(await server.rest.participant(forgetter.id)).toMatchObject({ left_reason: "token_expired" });

  await expect(late.initialize(server, room.id, { clientToken: forgotten })).rejects.toMatchObject({
    code: "unauthorized",
  });
  await expect(
    keeper.ask((rig, token) => rig.room.updateClientToken(token), forgotten),
  ).rejects.toMatchObject({ code: "unauthorized" });

  // The first token would have ended by now, its grace included.
  await pause(Math.max(0, issued + 16_500 - Date.now()));
  await late.join(server, room.id);
  await late.subscribe(keeper);
  await late.sees(keeper);
  expect((await keeper.state()).status).toBe("connected");
});

/** A token that says another room, under the signature it had. */
function forged(token: string, roomId: string): string {
  const [head, body, signature] = token.split(".") as [string, string, string];
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
  const changed = Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [name, name === "room" ? roomId : value]),
  );
  return [head, encoded({ ...changed, exp: Number(claims.exp) + 1 }), signature].join(".");
}

/** A token that claims to need no signature. */
function unsigned(token: string): string {
  const body = token.split(".")[1];
  return [encoded({ alg: "none", typ: "JWT" }), body, ""].join(".");
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
