import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HANGOVER, PULSE_INTERVAL, SAMPLE_INTERVAL, SpeechDetector } from "../src/activity.js";
import type { Room } from "../src/index.js";
import { audioTrack, FakeAudioContext, type FakeReceiver } from "./fakes/media.js";
import {
  alice,
  aliceStream,
  connectedRoom,
  FakeServer,
  firePageEvent,
  installBrowser,
  participant,
  removeBrowser,
  stream,
} from "./fakes/server.js";

describe("SpeechDetector", () => {
  /** Feeds levels at the usual pace, and writes down what is told when. */
  const listen = (levels: number[]): string[] => {
    const detector = new SpeechDetector();
    return levels.flatMap((level, index) => {
      const told = detector.sample(level, index * SAMPLE_INTERVAL);
      return told ? [`${told} ${index * SAMPLE_INTERVAL}`] : [];
    });
  };
  const of = (level: number, milliseconds: number) =>
    Array.from({ length: milliseconds / SAMPLE_INTERVAL }, () => level);

  it("pulses every two seconds while somebody speaks, and says when it is over", () => {
    const told = listen([...of(0, 1_000), ...of(0.2, 5_000), ...of(0, 3_000)]);
    expect(told.filter((line) => line.startsWith("pulse"))).toEqual([
      "pulse 1000",
      "pulse 3000",
      "pulse 5000",
    ]);
    expect(told).toHaveLength(4);
    const [, ended] = (told[3] as string).split(" ").map(Number) as [number, number];
    expect(ended).toBeGreaterThan(6_000 + HANGOVER - SAMPLE_INTERVAL);
    expect(ended).toBeLessThan(6_000 + 2 * HANGOVER + PULSE_INTERVAL / 2);
  });

  it("takes a pause between words for no end", () => {
    const told = listen([...of(0.2, 1_000), ...of(0, 400), ...of(0.2, 1_000)]);
    expect(told).toEqual(["pulse 0", "pulse 2000"]);
  });

  it("hears neither noise nor a click", () => {
    expect(listen(of(0.004, 10_000))).toEqual([]);
    expect(listen([...of(0, 1_000), 0.02, ...of(0, 1_000)])).toEqual([]);
  });
});

describe("in a room", () => {
  let server: FakeServer;
  let room: Room;
  let told: string[];
  beforeEach(async () => {
    installBrowser();
    server = new FakeServer();
    server.participants = [participant(alice)];
    server.streams = [stream(aliceStream, alice)];
    room = await connectedRoom();
    told = [];
    const name = (id: string) => (id === alice ? "alice" : "me");
    room.on("audio_activity", (id, key, state) => told.push(`${name(id)} ${key} ${state.status}`));
    room.on("audio_activity_ended", (id, key) => told.push(`${name(id)} ${key} ended`));
  });
  afterEach(removeBrowser);

  const receiver = () =>
    server.peer.transceivers.find((line) => line.direction === "recvonly" && line.kind === "audio")
      ?.receiver as FakeReceiver;
  const hear = async (peak: number, milliseconds: number) => {
    const analyser = FakeAudioContext.all[0]?.sources.at(-1)?.node.analyser;
    if (analyser) analyser.peak = peak;
    await vi.advanceTimersByTimeAsync(milliseconds);
  };

  it("tells of those who are subscribed", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: true });
    await hear(0.3, 3_000);
    expect(told).toEqual(["alice self connected", "alice self connected"]);
    await hear(0, 3_000);
    expect(told.at(-1)).toBe("alice self ended");
  });

  it("tells of those who are heard in the mix alone, without a key", async () => {
    await hear(0.3, 1_000);
    expect(told).toEqual(["alice null connected"]);
    await room.addSubscription(alice, "self", { audio: false, video: true });
    await hear(0.3, 2_000);
    expect(told.slice(1)).toEqual(["alice null connected"]);
    // The one ends before the other begins, so that who speaks is marked to the last.
    await room.updateSubscription(alice, "self", { audio: true, video: true });
    await hear(0.3, 1_000);
    expect(told.slice(2)).toEqual(["alice null ended", "alice self connected"]);
    await room.removeSubscription(alice, "self");
    await hear(0.3, 1_000);
    expect(told.slice(4)).toEqual(["alice self ended", "alice null connected"]);
  });

  it("takes all that a participant is heard with in the mix for one voice", async () => {
    const screen = "a1a1a1a1-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    server.notice({ type: "stream_published", stream: stream(screen, alice, { key: "presentation" }) });
    await hear(0, 1_000);
    const [self, presentation] = FakeAudioContext.all[0]?.sources.map(({ node }) => node.analyser) ?? [];
    if (!self || !presentation) throw new Error("both are in the mix");
    presentation.peak = 0.3;
    await vi.advanceTimersByTimeAsync(600);
    self.peak = 0.3;
    presentation.peak = 0;
    await vi.advanceTimersByTimeAsync(600);
    expect(told).toEqual(["alice null connected"]);
    self.peak = 0;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told).toEqual(["alice null connected", "alice null ended"]);
  });

  it("goes by statistics without a mix", async () => {
    const plain = await connectedRoom({ mixedAudio: false });
    plain.on("audio_activity", (id, key) => told.push(`plain ${id === alice} ${key}`));
    await plain.addSubscription(alice, "self", { audio: true, video: true });
    receiver().stats = [{ id: "I", type: "inbound-rtp", audioLevel: 0.3 }];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual(["plain true self"]);
  });

  it("uses statistics while the page may not play, and the graph from the first gesture on", async () => {
    FakeAudioContext.held = true;
    FakeAudioContext.all = [];
    room = await connectedRoom();
    room.on("audio_activity", (_, key, state) => told.push(`alice ${key} ${state.status}`));
    room.on("audio_activity_ended", (_, key) => told.push(`alice ${key} ended`));
    await room.addSubscription(alice, "self", { audio: true, video: true });
    receiver().stats = [{ id: "I", type: "inbound-rtp", audioLevel: 0.3 }];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual(["alice self connected"]);
    FakeAudioContext.held = false;
    firePageEvent("pointerdown");
    expect(FakeAudioContext.all[0]?.state).toBe("running");
    await hear(0, 3_000);
    expect(told.at(-1)).toBe("alice self ended");
  });

  it("ends at once when the microphone is switched off or the stream goes", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: true });
    await hear(0.3, 1_000);
    const off = { enabled: false, censored: false };
    server.notice({ type: "stream_updated", stream: stream(aliceStream, alice, { audio: off }) });
    await hear(0.3, SAMPLE_INTERVAL);
    expect(told).toEqual(["alice self connected", "alice self ended"]);
  });

  it("says nothing of somebody who is gone", async () => {
    await room.addSubscription(alice, "self", { audio: true, video: true });
    await hear(0.3, 1_000);
    server.notice({ type: "participant_left", participant_id: alice, reason: "left" });
    await hear(0, 3_000);
    expect(told).toEqual(["alice self connected"]);
  });

  it("tells of this participant with the key of the stream", async () => {
    await room.addStream("self", { audio: audioTrack() });
    const sender = server.peer.transceivers.find((line) => line.direction === "sendonly")?.sender;
    if (sender) sender.stats = [{ id: "S", type: "media-source", audioLevel: 0.3 }];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual(["me self connected"]);
  });
});
