import { NotFoundError, type Telnyx } from "telnyx";
import { describe, expect, test } from "vitest";
import { all, given, nobody, telnyx, unique } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";
import { until } from "./harness/until.js";

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function create(name = unique("room")) {
  return given((await telnyx.rooms.create({ unique_name: name })).data);
}

describe("rooms", () => {
  test("a room is created with every field, and with none", async () => {
    const name = unique("full");
    const { data: full } = await telnyx.rooms.create({
      unique_name: name,
      max_participants: 7,
      enable_recording: true,
      webhook_event_url: "https://example.com/hook",
      webhook_event_failover_url: "https://example.org/hook",
      webhook_timeout_secs: 5,
    });
    expect(full).toMatchObject({
      record_type: "room",
      id: expect.stringMatching(uuid),
      unique_name: name,
      max_participants: 7,
      enable_recording: true,
      webhook_event_url: "https://example.com/hook",
      webhook_event_failover_url: "https://example.org/hook",
      webhook_timeout_secs: 5,
      created_at: expect.stringMatching(time),
      updated_at: expect.stringMatching(time),
    });
    const { data: bare } = await telnyx.rooms.create({});
    expect(bare).toMatchObject({ max_participants: 10, enable_recording: false });
    expect(bare?.active_session_id ?? null).toBeNull();
  });

  test("a room is retrieved, with its sessions if that is asked for", async () => {
    const room = await create();
    const bare = await telnyx.rooms.retrieve(given(room.id));
    expect(bare.data).toEqual(room);
    expect(bare.data).not.toHaveProperty("sessions");
    const someone = await Participant.join(given(room.id));
    const full = await telnyx.rooms.retrieve(given(room.id), { include_sessions: true });
    expect(full.data).toMatchObject({
      active_session_id: someone.session,
      sessions: [{ id: someone.session, active: true }],
    });
    await someone.leave();
  });

  test("an update changes what it names, and null clears", async () => {
    const room = await create();
    const id = given(room.id);
    const set = await telnyx.rooms.update(id, {
      max_participants: 3,
      webhook_event_url: "https://example.com/",
      webhook_timeout_secs: 9,
    });
    expect(set.data).toMatchObject({
      unique_name: room.unique_name,
      max_participants: 3,
      webhook_timeout_secs: 9,
    });
    const clear = {
      webhook_timeout_secs: null,
      webhook_event_url: null,
    } as unknown as Telnyx.RoomUpdateParams;
    const { data } = await telnyx.rooms.update(id, clear);
    expect(data).toMatchObject({ unique_name: room.unique_name, max_participants: 3 });
    expect(data?.webhook_timeout_secs ?? null).toBeNull();
    expect(data?.webhook_event_url ?? null).toBeNull();
    expect(given(data?.updated_at) > given(room.updated_at)).toBe(true);
  });

  test("a deleted room is gone, its name is free, and its participants are out", async () => {
    const room = await create();
    const someone = await Participant.join(given(room.id));
    await telnyx.rooms.delete(given(room.id));
    expect(await someone.closed()).toMatchObject({ code: 4002, reason: "room_deleted" });
    await expect(telnyx.rooms.retrieve(given(room.id))).rejects.toBeInstanceOf(NotFoundError);
    expect((await create(given(room.unique_name))).id).not.toBe(room.id);
    await until("the session's end is recorded", async () => {
      const { data: session } = await telnyx.rooms.sessions.retrieve(someone.session);
      return session?.active === false && time.test(given(session.ended_at));
    });
  });

  test("auto-paging gives every room once, the newest first", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.unshift(given((await create()).id));
    const first = await telnyx.rooms.list({ "page[size]": 3 });
    expect(first.meta).toMatchObject({ page_number: 1, total_pages: expect.any(Number) });
    const listed = (await all(telnyx.rooms.list({ "page[size]": 3 }))).map((room) => room.id);
    expect(listed.slice(0, 7)).toEqual(ids);
    expect(new Set(listed).size).toBe(listed.length);
  });

  test("pages are counted, and one past the end is empty", async () => {
    const page = await telnyx.rooms.list({
      filter: { unique_name: unique("none") },
      "page[number]": 4,
      "page[size]": 5,
    });
    expect(page.data).toEqual([]);
    expect(page.meta).toEqual({ page_number: 4, page_size: 5, total_pages: 0, total_results: 0 });
    expect(page.hasNextPage()).toBe(false);
  });

  test("filters of name and of dates choose", async () => {
    const room = await create(unique("filtered & 100% <name>"));
    const byName = { unique_name: given(room.unique_name) };
    const today = given(room.created_at).slice(0, 10);
    const tomorrow = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10);
    const found = [room.id];
    for (const [filter, expected] of [
      [byName, found],
      [{ ...byName, date_created_at: { eq: today } }, found],
      [{ ...byName, date_created_at: { gte: today, lte: today } }, found],
      [{ ...byName, date_created_at: { gte: tomorrow } }, []],
      [{ ...byName, date_updated_at: { eq: tomorrow } }, []],
      [{ ...byName, date_updated_at: { gte: room.updated_at, lte: room.updated_at } }, found],
    ] as [Telnyx.RoomListParams.Filter, (string | undefined)[]][]) {
      const ids = (await all(telnyx.rooms.list({ filter }))).map((listed) => listed.id);
      expect(ids, JSON.stringify(filter)).toEqual(expected);
    }
  });

  test("a list can hold the sessions of its rooms", async () => {
    const room = await create();
    const someone = await Participant.join(given(room.id));
    const [listed] = await all(
      telnyx.rooms.list({ filter: { unique_name: given(room.unique_name) }, include_sessions: true }),
    );
    expect(listed?.sessions).toMatchObject([
      { record_type: "room_session", id: someone.session, room_id: room.id },
    ]);
    await someone.leave();
  });

  test("what nobody has is not found", async () => {
    await expect(telnyx.rooms.retrieve(nobody)).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.rooms.update(nobody, {})).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.rooms.delete(nobody)).rejects.toBeInstanceOf(NotFoundError);
  });
});
