import type Telnyx from "telnyx";
import {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from "telnyx";
import { describe, expect, test } from "vitest";
import { client, given, nobody, rotunda, telnyx, unique } from "./harness/environment.js";

async function key(rights: string, ...more: string[]): Promise<string> {
  const made = await rotunda("key", "create", "--name", unique("conformance"), "--rights", rights, ...more);
  return String(made.api_key);
}

describe("errors", () => {
  test("a key that nobody has is 401", async () => {
    const fault = await client({ apiKey: "KEY-that-nobody-has-0000000000" })
      .rooms.create({})
      .catch((error) => error);
    expect(fault).toBeInstanceOf(AuthenticationError);
    expect(fault.status).toBe(401);
    expect(fault.error.errors).toMatchObject([
      { code: "10009", title: expect.any(String), detail: expect.any(String) },
    ]);
  });

  test("a key without the right is 403", async () => {
    const reader = client({ apiKey: await key("read-only") });
    expect((await reader.rooms.list()).meta).toBeDefined();
    const fault = await reader.rooms.create({}).catch((error) => error);
    expect(fault).toBeInstanceOf(PermissionDeniedError);
    expect(fault.error.errors).toMatchObject([{ code: "10010" }]);
    const minter = client({ apiKey: await key("tokens-only") });
    const room = given((await telnyx.rooms.create({})).data?.id);
    expect((await minter.rooms.actions.generateJoinClientToken(room, {})).data?.token).toBeTruthy();
    await expect(minter.rooms.list()).rejects.toBeInstanceOf(PermissionDeniedError);
  });

  test("what belongs to another account is 404", async () => {
    const account = await rotunda("account", "create", unique("stranger"));
    const stranger = client({ apiKey: await key("admin", "--account", String(account.id)) });
    const room = given((await telnyx.rooms.create({})).data?.id);
    await expect(stranger.rooms.retrieve(room)).rejects.toBeInstanceOf(NotFoundError);
    await expect(stranger.rooms.delete(room)).rejects.toBeInstanceOf(NotFoundError);
    expect((await stranger.rooms.list()).data).toEqual([]);
  });

  test("all faults of a body are told at once, as 422", async () => {
    const fault = await telnyx.rooms
      .create({ max_participants: 1, webhook_event_url: "nowhere", webhook_timeout_secs: 31 })
      .catch((error) => error);
    expect(fault).toBeInstanceOf(UnprocessableEntityError);
    const pointers = fault.error.errors.map((each: { source: { pointer: string } }) => each.source.pointer);
    expect(pointers.sort()).toEqual(["/max_participants", "/webhook_event_url", "/webhook_timeout_secs"]);
  });

  test("a name that is taken is 422, so that nothing is tried again", async () => {
    const name = unique("taken");
    await telnyx.rooms.create({ unique_name: name });
    const fault = await telnyx.rooms.create({ unique_name: name }).catch((error) => error);
    expect(fault).toBeInstanceOf(UnprocessableEntityError);
    expect(fault.error.errors).toMatchObject([{ code: "10012", source: { pointer: "/unique_name" } }]);
  });

  test("a page out of range is 400", async () => {
    const fault = await telnyx.rooms.list({ "page[size]": 251 }).catch((error) => error);
    expect(fault).toBeInstanceOf(BadRequestError);
    expect(fault.error.errors).toMatchObject([{ code: "10015", source: { parameter: "page[size]" } }]);
  });

  test("too many requests are 429, and a patient SDK gets all of them through", async () => {
    const apiKey = await key("admin");
    const ask = (sdk: Telnyx) => sdk.roomRecordings.deleteBulk({ filter: { session_id: nobody } });
    const hasty = client({ apiKey });
    const answers = await Promise.allSettled(Array.from({ length: 200 }, () => ask(hasty)));
    const faults = answers.filter((answer) => answer.status === "rejected").map((answer) => answer.reason);
    expect(faults.length).toBeGreaterThan(0);
    for (const fault of faults) {
      expect(fault).toBeInstanceOf(RateLimitError);
      expect(fault.error.errors).toMatchObject([{ code: "10011" }]);
      expect(Number(fault.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(Number(fault.headers.get("x-ratelimit-limit"))).toBeGreaterThan(0);
    }
    const patient = client({ apiKey, maxRetries: 8 });
    await Promise.all(Array.from({ length: 80 }, () => ask(patient)));
  });
});
