import type { Participant } from "../harness/participant.js";
import { ada, bo, cy } from "../harness/people.js";
import type { Rotunda } from "../harness/rotunda.js";
import { expect, test } from "../harness/test.js";

/** Everybody publishes and takes what the others publish. */
async function meet(server: Rotunda, roomId: string, everyone: Participant[]): Promise<string> {
  for (const one of everyone) await one.enter(server, roomId);
  const others = everyone.flatMap((one) =>
    everyone.filter((other) => other !== one).map((other) => [one, other]),
  );
  for (const [one, other] of others as [Participant, Participant][]) {
    await one.subscribe(other);
    await one.sees(other);
    await one.hears(other);
  }
  return (await server.rest.room(roomId)).active_session_id as string;
}

const events = async (of: Participant, ...names: string[]) =>
  (await of.told()).filter(({ event }) => names.includes(event)).map(({ event, args }) => [event, ...args]);

test("a muted participant is not heard, whatever they do, until unmuted", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  const session = await meet(server, room.id, [speaker, listener]);

  expect(await server.rest.moderate(session, "mute", [speaker.id])).toEqual([speaker.id]);
  for (const one of [speaker, listener]) {
    await one.tells("track_censored", speaker.id, "self", "audio");
    expect(await one.stream(speaker)).toMatchObject({ censored: true, audio: true });
  }
  await listener.hearsNothingOf(speaker);
  await listener.isSentNoAudioOf(speaker);
  await listener.sees(speaker);
  await speaker.hears(listener);
  expect(await server.rest.moderate(session, "mute", "all"), "muting the muted is no change").toEqual([
    listener.id,
  ]);
  expect(await server.rest.moderate(session, "unmute", "all", [speaker.id])).toEqual([listener.id]);

  // Its owner switching it off and on again does not help.
  await speaker.ask((rig) => rig.switch("audio", false));
  await listener.tells("track_disabled", speaker.id, "self", "audio");
  await speaker.ask((rig) => rig.switch("audio", true));
  await listener.tells("track_enabled", speaker.id, "self", "audio");
  await listener.isSentNoAudioOf(speaker);

  // Nor does publishing anew.
  await speaker.ask((rig) => rig.room.removeStream("self"));
  await listener.tells("stream_unpublished", speaker.id, "self");
  await speaker.publish();
  await listener.subscribe(speaker);
  await listener.sees(speaker);
  expect(await listener.stream(speaker)).toMatchObject({ censored: true, audio: true });
  await listener.hearsNothingOf(speaker);
  await listener.isSentNoAudioOf(speaker);
  await expect
    .poll(() => events(speaker, "stream_published", "track_censored"))
    .toEqual([
      ["stream_published", speaker.id, "self"],
      ["stream_published", listener.id, "self"],
      ["track_censored", speaker.id, "self", "audio"],
      ["track_censored", listener.id, "self", "audio"],
      ["stream_published", speaker.id, "self"],
      ["track_censored", speaker.id, "self", "audio"],
    ]);

  expect(await server.rest.moderate(session, "unmute", [speaker.id])).toEqual([speaker.id]);
  for (const one of [speaker, listener]) await one.tells("track_uncensored", speaker.id, "self", "audio");
  await listener.hears(speaker);
  expect(await listener.stream(speaker)).toMatchObject({ censored: false });
});

test("someone muted before they publish is silent from the start", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [speaker, listener] = [await arrive(ada), await arrive(bo)];
  await listener.join(server, room.id);
  await speaker.join(server, room.id);
  const session = (await server.rest.room(room.id)).active_session_id as string;
  expect(await server.rest.moderate(session, "mute", "all", [listener.id])).toEqual([speaker.id]);
  await speaker.publish();
  await speaker.tells("track_censored", speaker.id, "self", "audio");
  await listener.subscribe(speaker);
  await listener.sees(speaker);
  await listener.hearsNothingOf(speaker);
  await listener.isSentNoAudioOf(speaker);
  await server.rest.moderate(session, "unmute", [speaker.id]);
  await listener.hears(speaker);
});

test("a kicked participant is out, knows why, and does not get back in", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [kicked, stayer, late] = [await arrive(ada), await arrive(bo), await arrive(cy)];
  const { token, refresh_token } = await server.rest.tokens(room.id);
  await late.initialize(server, room.id, { clientToken: token });
  await kicked.enter(server, room.id, { clientToken: token });
  await stayer.enter(server, room.id);
  await stayer.subscribe(kicked);
  await stayer.hears(kicked);
  const session = (await server.rest.room(room.id)).active_session_id as string;

  expect(await server.rest.moderate(session, "kick", [kicked.id])).toEqual([kicked.id]);
  await kicked.tells("disconnected", "kicked");
  expect(await events(kicked, "participant_leaving", "disconnected")).toEqual([
    ["participant_leaving", kicked.id, "kicked"],
    ["disconnected", "kicked"],
  ]);
  expect(await kicked.ask((rig) => rig.closes)).toEqual([4001]);
  expect(await kicked.ask((rig) => rig.lines()), "no media connection is left").toEqual([]);
  await stayer.tells("participant_left", kicked.id);
  expect(await events(stayer, "participant_leaving", "participant_left")).toEqual([
    ["participant_leaving", kicked.id, "kicked"],
    ["participant_left", kicked.id],
  ]);
  expect(stayer.notices("participant_left")).toMatchObject([{ participant_id: kicked.id, reason: "kicked" }]);
  await expect
    .poll(() => server.rest.participant(kicked.id))
    .toMatchObject({ left_reason: "kicked", left_at: expect.any(String) });

  // Neither token is good for anything, not even where one was shown before the kick.
  await expect(late.connect()).rejects.toMatchObject({ code: "unauthorized" });
  await expect(kicked.initialize(server, room.id, { clientToken: token })).rejects.toMatchObject({
    code: "unauthorized",
  });
  await expect(server.rest.refreshedToken(room.id, refresh_token)).rejects.toMatchObject({ status: 403 });
  expect(await server.rest.participantsOf(session)).toHaveLength(2);

  // A token that the backend makes later works.
  await kicked.enter(server, room.id);
  await stayer.subscribe(kicked);
  await stayer.hears(kicked);
});

test("whoever is with the token of a kicked one stays", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const [kicked, same] = [await arrive(ada), await arrive(bo)];
  const { token } = await server.rest.tokens(room.id);
  for (const one of [kicked, same]) await one.enter(server, room.id, { clientToken: token });
  const session = (await server.rest.room(room.id)).active_session_id as string;
  await server.rest.moderate(session, "kick", [kicked.id]);
  await same.tells("participant_left", kicked.id);
  await kicked.enter(server, room.id);
  await same.subscribe(kicked);
  await same.sees(kicked);
  expect((await same.state()).status).toBe("connected");
});

test("an ended session is over for everybody", async ({ server, arrive }) => {
  const room = await server.rest.createRoom();
  const everyone = [await arrive(ada), await arrive(bo)];
  const session = await meet(server, room.id, everyone);
  expect((await server.rest.endSession(session)).toSorted()).toEqual(everyone.map(({ id }) => id).toSorted());
  for (const one of everyone) {
    await one.tells("disconnected", "session_terminated");
    await expect.poll(() => one.ask((rig) => rig.closes)).toEqual([4000]);
    expect(await events(one, "participant_leaving", "participant_left")).toEqual([]);
    await expect.poll(() => server.rest.participant(one.id)).toMatchObject({ left_reason: "session_ended" });
  }
  await expect
    .poll(() => server.rest.session(session))
    .toMatchObject({
      active: false,
      ended_reason: "Ended from API",
    });
  await expect(server.rest.endSession(session)).rejects.toMatchObject({ status: 422, codes: ["10027"] });
  // The room is as open as before.
  const [first, second] = everyone as [Participant, Participant];
  for (const one of everyone) await one.enter(server, room.id);
  await first.subscribe(second);
  await first.hears(second);
  expect((await server.rest.room(room.id)).active_session_id).not.toBe(session);
});

test("the call app says what a moderator did", async ({ server, call }, info) => {
  const room = await server.rest.createRoom();
  const [first, second] = [await call(ada), await call(bo)];
  for (const one of [first, second]) {
    const { token, refresh_token } = await server.rest.tokens(room.id);
    await one.join(`${server.url}/#room=${room.id}&token=${token}&refresh=${refresh_token}`);
  }
  await first.sees(second);
  await second.sees(first);
  const session = (await server.rest.room(room.id)).active_session_id as string;
  const tile = await first.ownTile.getAttribute("data-testid");
  const id = tile?.slice("tile-".length) as string;

  await server.rest.moderate(session, "mute", [id]);
  await expect(first.page.locator(".note")).toHaveText("A moderator muted you.");
  for (const seen of [first.ownTile, second.tileOf(first)]) {
    await expect(seen.locator("[data-sign=censored]")).toBeVisible();
    await expect(seen.locator("[data-sign=muted]")).toHaveCount(0);
  }
  await first.photograph(info, "muted-by-moderator");
  await second.photograph(info, "other-muted-by-moderator");
  await server.rest.moderate(session, "unmute", [id]);
  for (const seen of [first.ownTile, second.tileOf(first)]) {
    await expect(seen.locator("[data-sign=censored]")).toHaveCount(0);
  }

  await server.rest.moderate(session, "kick", [id]);
  await expect(first.page.locator("[data-ending=kicked]")).toContainText("You were removed from the call");
  await expect(first.page.getByTestId("rejoin")).toHaveCount(0);
  await first.photograph(info, "kicked");
  await expect(second.tileOf(first)).toHaveCount(0);
  // Its own link does not bring it back.
  await first.page.reload();
  await first.page.getByTestId("join-button").click();
  await expect(first.page.locator("[data-ending=token_expired]")).toBeVisible();
  expect(await server.rest.participantsOf(session)).toHaveLength(2);

  await server.rest.endSession(session);
  await expect(second.page.locator("[data-ending=session_ended]")).toContainText("The session was ended");
  await second.photograph(info, "ended");
  await second.page.getByTestId("rejoin").click();
  await second.isInCall();
});
