import { NotFoundError, type Telnyx, UnprocessableEntityError } from "telnyx";
import { beforeAll, describe, expect, test } from "vitest";
import { all, given, nobody, record, telnyx } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";

const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);

type Filter = Telnyx.RoomCompositionListParams.Filter;

describe("compositions", () => {
  let session = "";
  let picture = "";

  beforeAll(async () => {
    const room = given((await telnyx.rooms.create({})).data?.id);
    const someone = await Participant.join(room);
    session = someone.session;
    picture = given((await record(session, someone.id, "-type", "video"))[0]);
    await someone.leave();
  });

  async function ids(filter: Filter): Promise<(string | undefined)[]> {
    const listed = await all(telnyx.roomCompositions.list({ filter, "page[size]": 1 }));
    return listed.map((composition) => composition.id);
  }

  test("a composition is enqueued, by defaults and with every field", async () => {
    const { data: usual } = await telnyx.roomCompositions.create({ session_id: session });
    expect(usual).toMatchObject({
      record_type: "room_composition",
      session_id: session,
      status: "enqueued",
      format: "mp4",
      resolution: "1280x720",
      created_at: expect.any(String),
    });
    const layout = {
      left: { x_pos: 10, y_pos: 20, z_pos: 1, width: 320, height: 240, video_sources: [picture] },
    };
    const { data: own } = await telnyx.roomCompositions.create({
      session_id: session,
      format: "mp4",
      resolution: "800x600",
      video_layout: layout,
      webhook_event_url: "https://example.com/done",
      webhook_event_failover_url: "https://example.org/done",
      webhook_timeout_secs: 4,
    });
    expect(own).toMatchObject({ resolution: "800x600", video_layout: layout, webhook_timeout_secs: 4 });
    const { data: again } = await telnyx.roomCompositions.retrieve(given(own?.id));
    expect(again).toMatchObject({
      id: own?.id,
      video_layout: layout,
      webhook_event_url: "https://example.com/done",
    });
  });

  test("every filter chooses", async () => {
    const everything = await ids({ session_id: session });
    expect(everything.length).toBeGreaterThan(1);
    expect(await ids({ session_id: session, status: "completed" })).toEqual([]);
    expect(await ids({ session_id: session, date_created_at: { lte: tomorrow } })).toEqual(everything);
    expect(await ids({ session_id: session, date_created_at: { gte: tomorrow } })).toEqual([]);
  });

  test("a deleted composition is gone", async () => {
    const { data } = await telnyx.roomCompositions.create({ session_id: session });
    await telnyx.roomCompositions.delete(given(data?.id));
    await expect(telnyx.roomCompositions.retrieve(given(data?.id))).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.roomCompositions.delete(nobody)).rejects.toBeInstanceOf(NotFoundError);
  });

  test("all faults of a body are told at once", async () => {
    const fault = await telnyx.roomCompositions
      .create({ session_id: session, format: "avi", resolution: "9x9", webhook_timeout_secs: 31 })
      .catch((error) => error);
    expect(fault).toBeInstanceOf(UnprocessableEntityError);
    const pointers = fault.error.errors.map((each: { source: { pointer: string } }) => each.source.pointer);
    expect(pointers.sort()).toEqual(["/format", "/resolution", "/webhook_timeout_secs"]);
  });

  test("a session or a source that does not exist is pointed at", async () => {
    const noSession = await telnyx.roomCompositions.create({ session_id: nobody }).catch((error) => error);
    expect(noSession.error.errors).toMatchObject([{ code: "10017", source: { pointer: "/session_id" } }]);
    const noSource = await telnyx.roomCompositions
      .create({ session_id: session, video_layout: { main: { video_sources: [nobody] } } })
      .catch((error) => error);
    expect(noSource.error.errors).toMatchObject([
      { code: "10017", source: { pointer: "/video_layout/main/video_sources/0" } },
    ]);
  });
});
