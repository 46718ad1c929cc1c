import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LOSS_INTERVAL, RepairTime } from "../src/media/repair-time.js";

const receiver: { jitterBufferTarget?: number | null } = {};
const figures = { received: 0, lost: 0, roundTrip: 0.1 };
const media = {
  getStats: async () =>
    new Map<string, unknown>([
      ["old", { type: "candidate-pair", nominated: true, state: "failed", currentRoundTripTime: 3 }],
      [
        "path",
        {
          type: "candidate-pair",
          nominated: true,
          state: "succeeded",
          currentRoundTripTime: figures.roundTrip,
        },
      ],
      [
        "video",
        {
          type: "inbound-rtp",
          kind: "video",
          mid: "1",
          packetsReceived: figures.received,
          packetsLost: figures.lost,
        },
      ],
    ]),
  transceiver: (mid: string) => (mid === "1" ? { receiver } : undefined),
};
let repair: RepairTime;

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(figures, { received: 0, lost: 0, roundTrip: 0.1 });
  receiver.jitterBufferTarget = null;
  repair = new RepairTime(media as never);
});
afterEach(() => {
  repair.stop();
  vi.useRealTimers();
});

/** So many seconds pass, in each of which 100 packets are sent and some lost. */
async function pass(seconds: number, lost: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    figures.received += 100 - lost;
    figures.lost += lost;
    await vi.advanceTimersByTimeAsync(LOSS_INTERVAL);
  }
}

describe("pictures", () => {
  it("are shown as the browser likes while little is lost", async () => {
    await pass(10, 2);
    expect(receiver.jitterBufferTarget).toBeNull();
  });

  it("wait two round trips where much is lost, until it is over", async () => {
    await pass(3, 10);
    expect(receiver.jitterBufferTarget).toBe(250);
    figures.roundTrip = 0.11;
    await pass(1, 10);
    expect(receiver.jitterBufferTarget).toBe(250);
    figures.roundTrip = 1;
    await pass(1, 10);
    expect(receiver.jitterBufferTarget).toBe(400);
    await pass(9, 0);
    expect(receiver.jitterBufferTarget).toBe(400);
    await pass(2, 0);
    expect(receiver.jitterBufferTarget).toBeNull();
  });

  it("are left alone by browsers that cannot wait", async () => {
    delete receiver.jitterBufferTarget;
    await pass(3, 10);
    expect(receiver).toEqual({});
  });
});
