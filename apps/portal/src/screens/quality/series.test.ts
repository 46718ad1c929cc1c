import { describe, expect, it } from "vitest";
import type { QualitySample, QualityStep, TrackQuality } from "../../api/quality";
import { browserOf, chart, pathsOf } from "./series";

const track = (more: Partial<TrackQuality>): TrackQuality => ({
  stream_id: "s",
  key: "self",
  kind: "video",
  bitrate_bps: 1_000_000,
  packets: 900,
  packets_lost: 0,
  packets_repaired: 0,
  loss: 0,
  frozen_ms: 0,
  concealed_ms: 0,
  paused_ms: 0,
  ...more,
});
const sample = (more: Partial<QualitySample>): QualitySample => ({
  interval_secs: 10,
  publish: [],
  receive: [],
  ...more,
});
const step = (second: number, more: Partial<QualityStep>): QualityStep => ({
  measured_at: new Date(second * 1000).toISOString(),
  client: { name: "", version: "", user_agent: "" },
  by_client: null,
  by_server: null,
  ...more,
});

/** The values of a line, by the id of its chart and its name. */
function values(steps: QualityStep[], id: string, name: string) {
  const { publish, receive } = chart(steps, 10);
  return [...publish, ...receive].find((each) => each.id === id)?.lines.find((line) => line.name === name)
    ?.values;
}

describe("the charts", () => {
  it("break where nothing was measured", () => {
    const one = { by_client: sample({ publish: [track({}), track({ layer: "q", bitrate_bps: 200_000 })] }) };
    expect(values([step(100, one), step(130, one)], "publish-rate", "Picture")).toEqual([
      1200,
      null,
      null,
      1200,
    ]);
    expect(chart([], 10).times).toEqual([]);
  });

  it("have the loss that the one who receives knows", () => {
    const lossy = step(0, {
      by_server: sample({ publish: [track({ packets_lost: 100, packets_repaired: 50 })] }),
      by_client: sample({ receive: [track({ packets_lost: 300 })] }),
    });
    expect(values([lossy], "publish-loss", "Lost")).toEqual([10]);
    expect(values([lossy], "publish-loss", "Repaired")).toEqual([5]);
    expect(values([lossy], "receive-loss", "Lost")).toEqual([25]);
    const silent = step(0, { by_server: sample({ receive: [track({ packets: 1000, packets_lost: 200 })] }) });
    expect(values([silent], "receive-loss", "Lost")).toEqual([20]);
  });

  it("have what froze as a part of the time", () => {
    const frozen = step(0, { by_client: sample({ receive: [track({ frozen_ms: 2500 }), track({})] }) });
    expect(values([frozen], "interruptions", "Frozen")).toEqual([25]);
  });

  it("leave out lines of which nothing is known", () => {
    expect(values([step(0, {})], "pictures", "Pictures")).toBeUndefined();
  });
});

it("tells one way after another", () => {
  const on = (second: number, path: string) => step(second, { by_client: sample({ path }) });
  expect(pathsOf([on(0, "udp"), on(10, "udp"), step(20, {}), on(30, "relay_tls")])).toEqual([
    { path: "UDP", from: 0 },
    { path: "relay over TLS", from: 30_000 },
  ]);
});

it("knows browsers by what they say of themselves", () => {
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
  expect(browserOf(chrome)).toBe("Chrome 141 on Linux");
  expect(browserOf("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/26.1 Safari/605.1.15")).toBe(
    "Safari 26 on macOS",
  );
  expect(browserOf("curl/8")).toBe("curl/8");
});
