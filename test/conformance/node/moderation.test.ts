import { NotFoundError, UnprocessableEntityError } from "telnyx";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { given, nobody, telnyx } from "./harness/environment.js";
import { Participant, tokenFor } from "./harness/participant.js";
import { until } from "./harness/until.js";

const { actions } = telnyx.rooms.sessions;

describe("moderation of a session that is going on", () => {
  let room = "";
  let speaker: Participant;
  let listener: Participant;

  beforeEach(async () => {
    room = given((await telnyx.rooms.create({})).data?.id);
    speaker = await Participant.join(room, { audio: true });
    listener = await Participant.join(room);
  });
  afterEach(async () => {
    await telnyx.rooms.delete(room);
  });

  test("mute and unmute of one reach everyone, the muted one too", async () => {
    const muted = await actions.mute(speaker.session, { participants: [speaker.id] });
    expect(muted.data).toEqual({ result: "ok", participants: [speaker.id] });
    for (const someone of [speaker, listener]) {
      const { notice } = await someone.notice("stream_updated");
      expect(notice).toMatchObject({ stream: { participant_id: speaker.id, audio: { censored: true } } });
    }
    const lifted = await actions.unmute(speaker.session, { participants: [speaker.id] });
    expect(lifted.data).toMatchObject({ result: "ok" });
    for (const someone of [speaker, listener]) {
      const { notice } = await someone.notice("stream_updated");
      expect(notice).toMatchObject({ stream: { participant_id: speaker.id, audio: { censored: false } } });
    }
  });

  test("all but some are muted", async () => {
    const { data } = await actions.mute(speaker.session, { participants: "all", exclude: [speaker.id] });
    expect(data).toEqual({ result: "ok", participants: [listener.id] });
  });

  test("who is kicked learns why, and its token opens no door again", async () => {
    const token = await tokenFor(room);
    const victim = await Participant.join(room, { token });
    const { data } = await actions.kick(victim.session, { participants: [victim.id] });
    expect(data).toEqual({ result: "ok", participants: [victim.id] });
    expect(await victim.closed()).toMatchObject({ code: 4001, reason: "kicked" });
    const again = await Participant.try(room, { token });
    expect(await again.closed()).toMatchObject({ code: 4401, reason: "unauthorized" });
    const { data: record } = await telnyx.roomParticipants.retrieve(victim.id);
    expect(record).toMatchObject({ left_at: expect.any(String), left_reason: "kicked" });
    const someone = await Participant.join(room); // a token made later works
    expect(someone.session).toBe(speaker.session);
  });

  test("a session is ended once", async () => {
    const { data } = await actions.end(speaker.session);
    expect(data).toMatchObject({ result: "ok" });
    for (const someone of [speaker, listener]) {
      expect(await someone.closed()).toMatchObject({ code: 4000, reason: "session_ended" });
    }
    await until("the session has ended", async () => {
      const { data: session } = await telnyx.rooms.sessions.retrieve(speaker.session);
      return session?.active === false && session.ended_at !== undefined;
    });
    await expect(actions.end(speaker.session)).rejects.toBeInstanceOf(UnprocessableEntityError);
    await expect(actions.mute(speaker.session, { participants: "all" })).rejects.toBeInstanceOf(
      UnprocessableEntityError,
    );
  });

  test("an unknown participant is pointed at, and nothing is changed", async () => {
    const fault = await actions
      .kick(speaker.session, { participants: [speaker.id, nobody] })
      .catch((error) => error);
    expect(fault).toBeInstanceOf(UnprocessableEntityError);
    expect(fault.error.errors).toMatchObject([{ code: "10017", source: { pointer: "/participants/1" } }]);
    const { data } = await actions.mute(speaker.session, { participants: [speaker.id] });
    expect(data).toMatchObject({ participants: [speaker.id] });
  });

  test("whom a moderator means must be said", async () => {
    const fault = await actions.kick(speaker.session, {}).catch((error) => error);
    expect(fault).toBeInstanceOf(UnprocessableEntityError);
    expect(fault.error.errors).toMatchObject([{ source: { pointer: "/participants" } }]);
  });

  test("a session that nobody has is not found", async () => {
    const everyone = { participants: "all" as const };
    for (const ask of [actions.kick, actions.mute, actions.unmute]) {
      await expect(ask.call(actions, nobody, everyone)).rejects.toBeInstanceOf(NotFoundError);
    }
    await expect(actions.end(nobody)).rejects.toBeInstanceOf(NotFoundError);
  });
});
