import { NotFoundError, type Telnyx } from "telnyx";
import { beforeAll, describe, expect, test } from "vitest";
import { all, given, nobody, telnyx } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";
import { until } from "./harness/until.js";

const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);

describe("sessions and participants", () => {
  let room = "";
  let past: Participant[] = [];
  let present: Participant;

  // Two sessions: one with two participants that has ended, and one going on.
  beforeAll(async () => {
    room = given((await telnyx.rooms.create({})).data?.id);
    past = [
      await Participant.join(room, { context: '{"role":"host"}' }),
      await Participant.join(room, { context: "guest" }),
    ];
    for (const someone of past) await someone.leave();
    await until(
      "the session ends",
      async () => (await telnyx.rooms.retrieve(room)).data?.active_session_id == null,
    );
    present = await Participant.join(room);
    return async () => void (await present.leave());
  });

  const ended = () => given(past[0]).session;

  test("a session is retrieved, with its participants if that is asked for", async () => {
    const { data: bare } = await telnyx.rooms.sessions.retrieve(ended());
    expect(bare).toMatchObject({ record_type: "room_session", id: ended(), room_id: room, active: false });
    expect(bare).not.toHaveProperty("participants");
    const { data: full } = await telnyx.rooms.sessions.retrieve(ended(), { include_participants: true });
    expect(full?.participants?.map((p) => p.id).sort()).toEqual(past.map((p) => p.id).sort());
    const { data: running } = await telnyx.rooms.sessions.retrieve(present.session);
    expect(running).toMatchObject({ active: true });
    expect(running?.ended_at ?? null).toBeNull();
  });

  test("the sessions of a room are listed by every filter", async () => {
    const today = given((await telnyx.rooms.sessions.retrieve(ended())).data?.created_at).slice(0, 10);
    for (const [filter, expected] of [
      [{}, [present.session, ended()]],
      [{ active: true }, [present.session]],
      [{ active: false }, [ended()]],
      [{ date_created_at: { gte: today } }, [present.session, ended()]],
      [{ date_created_at: { gte: tomorrow } }, []],
      [{ date_updated_at: { gte: tomorrow } }, []],
      [{ date_ended_at: { gte: today, lte: tomorrow } }, [ended()]],
    ] as [Telnyx.Rooms.SessionList1Params["filter"], string[]][]) {
      const ofRoom = (await all(telnyx.rooms.sessions.list1(room, { filter }))).map((session) => session.id);
      expect(ofRoom, JSON.stringify(filter)).toEqual(expected);
      const ofAll = (await all(telnyx.rooms.sessions.list0({ filter: { ...filter, room_id: room } }))).map(
        (s) => s.id,
      );
      expect(ofAll, JSON.stringify(filter)).toEqual(expected);
    }
  });

  test("lists of sessions page, and can hold participants", async () => {
    const pages = telnyx.rooms.sessions.list1(room, { "page[size]": 1, include_participants: true });
    const sessions = await all(pages);
    expect(sessions.map((session) => session.participants?.length)).toEqual([1, 2]);
  });

  test("participants are listed by every filter", async () => {
    const [host, guest] = past.map((p) => p.id);
    const today = given((await telnyx.roomParticipants.retrieve(given(host))).data?.joined_at).slice(0, 10);
    for (const [filter, expected] of [
      [{}, [guest, host]],
      [{ context: '{"role":"host"}' }, [host]],
      [{ context: "nobody's" }, []],
      [{ date_joined_at: { eq: today } }, [guest, host]],
      [{ date_joined_at: { gte: tomorrow } }, []],
      [{ date_updated_at: { lte: tomorrow } }, [guest, host]],
      [{ date_left_at: { gte: today } }, [guest, host]],
      [{ date_left_at: { gte: tomorrow } }, []],
    ] as [Telnyx.RoomParticipantListParams.Filter, string[]][]) {
      const ofSession = await all(
        telnyx.rooms.sessions.retrieveParticipants(ended(), { filter, "page[size]": 1 }),
      );
      expect(
        ofSession.map((p) => p.id),
        JSON.stringify(filter),
      ).toEqual(expected);
      const ofAll = await all(telnyx.roomParticipants.list({ filter: { ...filter, session_id: ended() } }));
      expect(
        ofAll.map((p) => p.id),
        JSON.stringify(filter),
      ).toEqual(expected);
    }
  });

  test("a participant has come, gone, and keeps its context byte for byte", async () => {
    const { data } = await telnyx.roomParticipants.retrieve(given(past[0]).id);
    expect(data).toMatchObject({
      record_type: "room_participant",
      session_id: ended(),
      context: '{"role":"host"}',
      joined_at: expect.any(String),
      left_at: expect.any(String),
    });
    const { data: here } = await telnyx.roomParticipants.retrieve(present.id);
    expect(here?.left_at ?? null).toBeNull();
  });

  test("what nobody has is not found", async () => {
    await expect(telnyx.rooms.sessions.retrieve(nobody)).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.rooms.sessions.retrieveParticipants(nobody)).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.rooms.sessions.list1(nobody)).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.roomParticipants.retrieve(nobody)).rejects.toBeInstanceOf(NotFoundError);
  });
});
