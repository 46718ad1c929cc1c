import { NotFoundError, PermissionDeniedError, UnprocessableEntityError } from "telnyx";
import { beforeAll, describe, expect, test } from "vitest";
import { client, given, nobody, telnyx } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";

/** Seconds from now until a time. */
function secondsUntil(time: string | undefined): number {
  return (Date.parse(given(time)) - Date.now()) / 1000;
}

describe("client tokens", () => {
  let room = "";
  beforeAll(async () => {
    room = given((await telnyx.rooms.create({})).data?.id);
  });

  test("a token lives as long as asked, ten minutes by default", async () => {
    const { data: usual } = await telnyx.rooms.actions.generateJoinClientToken(room, {});
    expect(secondsUntil(usual?.token_expires_at)).toBeCloseTo(600, -1);
    expect(secondsUntil(usual?.refresh_token_expires_at)).toBeCloseTo(3600, -1);
    const { data: own } = await telnyx.rooms.actions.generateJoinClientToken(room, {
      token_ttl_secs: 60,
      refresh_token_ttl_secs: 120,
    });
    expect(secondsUntil(own?.token_expires_at)).toBeCloseTo(60, -1);
    expect(secondsUntil(own?.refresh_token_expires_at)).toBeCloseTo(120, -1);
  });

  test("a refresh token gives a fresh token, which opens the room", async () => {
    const { data: first } = await telnyx.rooms.actions.generateJoinClientToken(room, {});
    const { data: fresh } = await telnyx.rooms.actions.refreshClientToken(room, {
      refresh_token: given(first?.refresh_token),
      token_ttl_secs: 30,
    });
    expect(secondsUntil(fresh?.token_expires_at)).toBeCloseTo(30, -1);
    const someone = await Participant.join(room, { token: given(fresh?.token) });
    await someone.leave();
  });

  test("the refresh token is the credential: a client without a good key may use it", async () => {
    const { data: first } = await telnyx.rooms.actions.generateJoinClientToken(room, {});
    const keyless = client({ apiKey: "none" });
    const { data } = await keyless.rooms.actions.refreshClientToken(room, {
      refresh_token: given(first?.refresh_token),
    });
    expect(data?.token).toBeTruthy();
  });

  test("what is no refresh token of the room is refused", async () => {
    const other = given((await telnyx.rooms.create({})).data?.id);
    const { data: tokens } = await telnyx.rooms.actions.generateJoinClientToken(room, {});
    for (const [where, token] of [
      [room, "nonsense"],
      [room, given(tokens?.token)],
      [other, given(tokens?.refresh_token)],
    ] as const) {
      await expect(
        telnyx.rooms.actions.refreshClientToken(where, { refresh_token: token }),
      ).rejects.toBeInstanceOf(PermissionDeniedError);
    }
  });

  test("bounds and rooms are checked", async () => {
    const { actions } = telnyx.rooms;
    await expect(actions.generateJoinClientToken(room, { token_ttl_secs: 9 })).rejects.toBeInstanceOf(
      UnprocessableEntityError,
    );
    await expect(
      actions.generateJoinClientToken(room, { refresh_token_ttl_secs: 86_401 }),
    ).rejects.toBeInstanceOf(UnprocessableEntityError);
    await expect(actions.generateJoinClientToken(nobody, {})).rejects.toBeInstanceOf(NotFoundError);
  });
});
