import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { all, given, telnyx } from "./harness/environment.js";
import { Participant } from "./harness/participant.js";
import { type Delivery, Receiver } from "./harness/receiver.js";
import { until } from "./harness/until.js";

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const started = "video.room.session.started";
const joined = "video.room.participant.joined";
const left = "video.room.participant.left";
const ended = "video.room.session.ended";

const order = [started, joined, left, ended];

/** Webhooks by when their events happened; what happened at the same moment goes by its kind. */
function inOrder(deliveries: Delivery[]): Delivery[] {
  const place = ({ data }: Delivery) => `${data.occurred_at} ${order.indexOf(data.event_type)}`;
  return deliveries.sort((a, b) => place(a).localeCompare(place(b)));
}

describe("webhooks", () => {
  let key = "";
  let receiver: Receiver;

  beforeAll(async () => {
    const answer = (await telnyx.get("/public_key")) as { data: { public_key: string } };
    key = answer.data.public_key;
    expect(Buffer.from(key, "base64")).toHaveLength(32);
  });
  beforeEach(async () => {
    receiver = await Receiver.open();
  });
  afterEach(() => receiver.close());

  async function roomWith(failover?: string): Promise<string> {
    const { data } = await telnyx.rooms.create({
      webhook_event_url: receiver.url,
      webhook_event_failover_url: failover,
    });
    return given(data?.id);
  }

  /** What the SDK says of a delivery: the event, or an error. */
  function unwrap(delivery: Delivery, body = delivery.body) {
    return telnyx.webhooks.unwrap(body, { headers: delivery.headers, key });
  }

  test("the life of a session arrives in order, complete, and the SDK verifies it", async () => {
    const room = await roomWith();
    const host = await Participant.join(room, { context: '{"role":"host"}' });
    const guest = await Participant.join(room);
    await guest.leave();
    await telnyx.rooms.sessions.actions.kick(host.session, { participants: [host.id] });
    const deliveries = inOrder(await receiver.take(6));
    const where = { session_id: host.session, room_id: room };
    const seconds = expect.any(Number);
    expect(deliveries.map(({ data }) => [data.event_type, data.payload])).toEqual([
      [started, where],
      [joined, { ...where, participant_id: host.id, context: '{"role":"host"}' }],
      [joined, { ...where, participant_id: guest.id, context: "" }],
      [
        left,
        { ...where, participant_id: guest.id, context: "", duration_secs: seconds, left_reason: "left" },
      ],
      [
        left,
        {
          ...where,
          participant_id: host.id,
          context: '{"role":"host"}',
          duration_secs: seconds,
          left_reason: "kicked",
        },
      ],
      [ended, { ...where, duration_secs: seconds, ended_reason: "empty" }],
    ]);
    for (const delivery of deliveries) {
      expect(await unwrap(delivery)).toEqual(JSON.parse(delivery.body));
      expect(delivery.data).toMatchObject({ record_type: "event", occurred_at: expect.stringMatching(time) });
      expect(delivery.meta).toEqual({ attempt: 1, delivered_to: receiver.url });
      expect(delivery.headers["content-type"]).toBe("application/json");
      expect(delivery.headers["webhook-id"]).toBe(delivery.data.id);
    }
  });

  test("the SDK refuses what was changed on the way, and what another signed", async () => {
    const someone = await Participant.join(await roomWith());
    const delivery = await receiver.next(started);
    await expect(unwrap(delivery, delivery.body.replace(someone.session, someone.id))).rejects.toThrow();
    const other = Buffer.alloc(32, 1).toString("base64");
    await expect(
      telnyx.webhooks.unwrap(delivery.body, { headers: delivery.headers, key: other }),
    ).rejects.toThrow();
    await someone.leave();
  });

  test("an endpoint that fails is tried again, and each attempt is signed", async () => {
    const room = await roomWith();
    receiver.first = 503;
    const someone = await Participant.join(room);
    const attempts = [await receiver.next(started), await receiver.next(joined)];
    attempts.push(await receiver.next(started), await receiver.next(joined));
    expect(attempts.map(({ meta }) => meta.attempt)).toEqual([1, 1, 2, 2]);
    expect(attempts[2]?.data).toEqual(attempts[0]?.data);
    for (const attempt of attempts) await unwrap(attempt);
    await someone.leave();
  });

  test("the failover hears what the primary refuses", async () => {
    const failover = await Receiver.open();
    const room = await roomWith(failover.url);
    receiver.first = 404;
    const someone = await Participant.join(room);
    const first = await receiver.next(started);
    const second = await failover.next(started);
    expect(second.data).toEqual(first.data);
    expect(second.meta).toEqual({ attempt: 2, delivered_to: failover.url });
    await unwrap(second);
    await someone.leave();
    failover.close();
  });

  test("deliveries are logged, and sent again on demand", async () => {
    const room = await roomWith();
    receiver.first = 500;
    const someone = await Participant.join(room);
    const { data } = await receiver.next(started);
    const again = await receiver.next(started);
    expect(again.data).toEqual(data);
    await until("the delivery is logged", async () => {
      const logged = await telnyx.webhookDeliveries.retrieve(data.id);
      return logged.data?.status === "delivered";
    });
    const { data: logged } = await telnyx.webhookDeliveries.retrieve(data.id);
    expect(logged).toMatchObject({ record_type: "webhook_delivery", id: data.id, webhook: data });
    expect(logged?.attempts).toMatchObject([
      {
        status: "delivered",
        errors: [],
        http: { request: { url: receiver.url }, response: { status: 200 } },
      },
      { status: "failed", errors: [75500], http: { response: { status: 500 } } },
    ]);
    await telnyx.post(`/webhook_deliveries/${data.id}/actions/redeliver`);
    const third = await receiver.next(started);
    expect(third.data).toEqual(data);
    await unwrap(third);
    await someone.leave();
  });

  test("the log is filtered and paged", async () => {
    const room = await roomWith();
    const someone = await Participant.join(room);
    await someone.leave();
    await receiver.next(ended);
    await until("all are logged", async () => {
      const filter = { webhook: { contains: room }, status: { eq: "delivered" as const } };
      return (await all(telnyx.webhookDeliveries.list({ filter }))).length === 4;
    });
    const filter = { webhook: { contains: room }, event_type: `${joined},${left}` };
    const chosen = await all(telnyx.webhookDeliveries.list({ filter, "page[size]": 1 }));
    expect(chosen.map((delivery) => delivery.webhook?.event_type).sort()).toEqual([joined, left]);
    expect(
      await all(telnyx.webhookDeliveries.list({ filter: { ...filter, status: { eq: "failed" } } })),
    ).toEqual([]);
  });

  test("many are sent again by a filter", async () => {
    const room = await roomWith();
    const someone = await Participant.join(room);
    const { data } = await receiver.next(joined);
    await receiver.next(started);
    await until("both are logged", async () => {
      const filter = { webhook: { contains: room }, status: { eq: "delivered" as const } };
      return (await all(telnyx.webhookDeliveries.list({ filter }))).length === 2;
    });
    const answer = await telnyx.post("/webhook_deliveries/actions/redeliver", {
      query: { filter: { event_type: joined, webhook: { contains: room } } },
    });
    expect(answer).toMatchObject({ data: { webhook_deliveries: 1 } });
    expect((await receiver.next(joined)).data).toEqual(data);
    await someone.leave();
  });

  test("a test event arrives like any other", async () => {
    await telnyx.post("/webhook_settings/actions/send_test_event", {
      body: { webhook_event_url: receiver.url },
    });
    const delivery = await receiver.next("rotunda.test");
    expect(await unwrap(delivery)).toEqual(JSON.parse(delivery.body));
  });
});
