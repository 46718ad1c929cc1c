import { NotFoundError, type Telnyx, UnprocessableEntityError } from "telnyx";
import { beforeAll, describe, expect, test } from "vitest";
import { all, given, nobody, record, telnyx } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";

const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);

type Filter = Telnyx.RoomRecordingListParams.Filter;

describe("recordings", () => {
  let room = "";
  let someone: Participant;
  let audio: string[] = [];
  let running: string[] = [];

  beforeAll(async () => {
    room = given((await telnyx.rooms.create({})).data?.id);
    someone = await Participant.join(room);
    audio = await record(someone.session, someone.id, "-type", "audio", "-count", "3", "-seconds", "90");
    running = await record(someone.session, someone.id, "-type", "video", "-status", "processing");
    await someone.leave();
  });

  async function ids(filter: Filter): Promise<(string | undefined)[]> {
    return (await all(telnyx.roomRecordings.list({ filter, "page[size]": 2 })))
      .map((recording) => recording.id)
      .sort();
  }

  test("a recording is retrieved with every field", async () => {
    const { data } = await telnyx.roomRecordings.retrieve(given(audio[0]));
    expect(data).toMatchObject({
      record_type: "room_recording",
      id: audio[0],
      room_id: room,
      session_id: someone.session,
      participant_id: someone.id,
      status: "completed",
      type: "audio",
      codec: "opus",
      size_mb: expect.any(Number),
      duration_secs: 90,
      started_at: expect.any(String),
      ended_at: expect.any(String),
      completed_at: expect.any(String),
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    await expect(telnyx.roomRecordings.retrieve(nobody)).rejects.toBeInstanceOf(NotFoundError);
  });

  test("every filter chooses", async () => {
    const both = [...audio, ...running].sort();
    const done = [...audio].sort();
    const ofSession: Filter = { session_id: someone.session };
    for (const [filter, expected] of [
      [ofSession, both],
      [{ room_id: room }, both],
      [{ participant_id: someone.id }, both],
      [{ ...ofSession, status: "completed" }, done],
      [{ ...ofSession, status: "processing" }, running],
      [{ ...ofSession, type: "audio" }, done],
      [{ ...ofSession, duration_secs: 90 }, done],
      [{ ...ofSession, duration_secs: 91 }, []],
      [{ ...ofSession, date_started_at: { gte: tomorrow } }, []],
      [{ ...ofSession, date_started_at: { lte: tomorrow } }, both],
      [{ ...ofSession, date_ended_at: { lte: tomorrow } }, done],
    ] as [Filter, string[]][]) {
      expect(await ids(filter), JSON.stringify(filter)).toEqual(expected);
    }
  });

  test("one is deleted, and a running one is not", async () => {
    const victim = given(audio.pop());
    await telnyx.roomRecordings.delete(victim);
    await expect(telnyx.roomRecordings.retrieve(victim)).rejects.toBeInstanceOf(NotFoundError);
    await expect(telnyx.roomRecordings.delete(given(running[0]))).rejects.toBeInstanceOf(
      UnprocessableEntityError,
    );
  });

  test("many are deleted by a filter, and never all by mistake", async () => {
    await expect(telnyx.roomRecordings.deleteBulk()).rejects.toBeInstanceOf(UnprocessableEntityError);
    const { data } = await telnyx.roomRecordings.deleteBulk({ filter: { session_id: someone.session } });
    expect(data).toEqual({ room_recordings: audio.length });
    expect(await ids({ session_id: someone.session })).toEqual(running);
  });
});
