import { describe, expect, it } from "vitest";
import { type Change, lastState, type Step } from "../src/reducer/change.js";
import { streamOf } from "../src/reducer/entries.js";
import { initialState, reduce } from "../src/reducer.js";
import type { Notice, StreamFrame } from "../src/signal/frames.js";
import type { State } from "../src/state.js";
import { audioTrack, videoTrack } from "./fakes/media.js";
import { alice, aliceStream, bob, bobStream, participant, stream } from "./fakes/server.js";

const me = "00000000-0000-4000-8000-000000000000";
const myStream = "0a0a0a0a-0000-4000-8000-000000000000";
const off = { enabled: false, censored: false };
const censored = { enabled: true, censored: true };

/** A state that breaks the test when a reducer writes to it. */
function frozen(state: State): State {
  const lock = <T extends object>(value: T): T => {
    if (value instanceof Map) {
      value.set = value.delete = () => {
        throw new Error("a state was changed in place");
      };
      for (const inner of value.values()) lock(inner);
    } else if (!Object.isFrozen(value)) {
      Object.freeze(value);
      for (const inner of Object.values(value)) if (typeof inner === "object" && inner) lock(inner);
    }
    return value;
  };
  return lock(state);
}

function run(state: State, ...changes: Change[]): { state: State; steps: Step[] } {
  const steps: Step[] = [];
  for (const change of changes) {
    const more = reduce(frozen(lastState(state, steps)), change);
    steps.push(...more);
  }
  return { state: lastState(state, steps), steps };
}

const events = (steps: Step[]) => steps.flatMap((step) => step.events);
const fresh = () => initialState({ id: me, origin: "local", streams: {}, canReceiveMessages: true });
const notice = (fields: unknown) => ({ seq: 1, ...(fields as object) }) as Notice;

/** Connected, with alice who publishes and bob who does not. */
function inRoom(...more: Change[]): State {
  return run(
    fresh(),
    { type: "connecting" },
    {
      type: "joined",
      participants: [participant(alice), participant(me), participant(bob)],
      streams: [stream(aliceStream, alice)],
    },
    ...more,
  ).state;
}

const subscribeAlice: Change = {
  type: "subscribed",
  streamId: aliceStream,
  subscriptionId: "s1",
  audio: true,
  video: false,
};
const sound = audioTrack();
const picture = videoTrack();
const bothTracks: Change = {
  type: "tracks_received",
  streams: new Map([[aliceStream, { audioTrack: sound, videoTrack: picture }]]),
};
const myTracks = { audioTrack: sound, isAudioEnabled: true, isVideoEnabled: false };
const addMine: Change = { type: "local_stream_added", streamId: myStream, key: "self", tracks: myTracks };
const mineReady: Change = { type: "local_stream_configured", streamId: myStream };

describe("reduce", () => {
  const table: [name: string, from: State, change: Change, told: unknown[]][] = [
    [
      "someone joins",
      inRoom(),
      notice({ type: "participant_joined", participant: participant("new") }),
      [["participant_joined", "new"]],
    ],
    [
      "someone joins twice",
      inRoom(),
      notice({ type: "participant_joined", participant: participant(alice) }),
      [],
    ],
    [
      "someone with a subscribed stream leaves",
      inRoom(subscribeAlice),
      notice({ type: "participant_left", participant_id: alice, reason: "left" }),
      [
        ["participant_leaving", alice, null],
        ["subscription_ended", alice, "self"],
        ["stream_unpublished", alice, "self"],
        ["participant_left", alice],
      ],
    ],
    [
      "someone is kicked",
      inRoom(),
      notice({ type: "participant_left", participant_id: bob, reason: "kicked" }),
      [
        ["participant_leaving", bob, "kicked"],
        ["participant_left", bob],
      ],
    ],
    [
      "a stranger leaves",
      inRoom(),
      notice({ type: "participant_left", participant_id: "x", reason: "left" }),
      [],
    ],
    [
      "a stream appears",
      inRoom(),
      notice({ type: "stream_published", stream: stream(bobStream, bob) }),
      [["stream_published", bob, "self"]],
    ],
    [
      "a stream of nobody appears",
      inRoom(),
      notice({ type: "stream_published", stream: stream(bobStream, "x") }),
      [],
    ],
    [
      "a microphone is switched off",
      inRoom(),
      notice({ type: "stream_updated", stream: stream(aliceStream, alice, { audio: off }) }),
      [["track_disabled", alice, "self", "audio"]],
    ],
    [
      "both kinds are censored",
      inRoom(),
      notice({
        type: "stream_updated",
        stream: stream(aliceStream, alice, { audio: censored, video: censored }),
      }),
      [
        ["track_censored", alice, "self", "audio"],
        ["track_censored", alice, "self", "video"],
      ],
    ],
    [
      "the censor lifts it",
      inRoom(notice({ type: "stream_updated", stream: stream(aliceStream, alice, { audio: censored }) })),
      notice({ type: "stream_updated", stream: stream(aliceStream, alice) }),
      [["track_uncensored", alice, "self", "audio"]],
    ],
    [
      "an update changes nothing",
      inRoom(),
      notice({ type: "stream_updated", stream: stream(aliceStream, alice) }),
      [],
    ],
    [
      "a stream goes",
      inRoom(),
      notice({ type: "stream_unpublished", stream_id: aliceStream }),
      [["stream_unpublished", alice, "self"]],
    ],
    ["an unknown stream goes", inRoom(), notice({ type: "stream_unpublished", stream_id: "x" }), []],
    [
      "a message comes",
      inRoom(),
      notice({
        type: "message",
        from: alice,
        message: { type: "text", payload: "hi" },
        recipients: [me],
        sent_at: "",
      }),
      [["message_received", alice, { type: "text", payload: "hi" }, [me]]],
    ],
    ["a local stream is being negotiated", inRoom(), addMine, []],
    ["a local stream is published", inRoom(addMine), mineReady, [["stream_published", me, "self"]]],
    [
      "a local track is switched on",
      inRoom(addMine, mineReady),
      {
        type: "local_stream_changed",
        streamId: myStream,
        tracks: { ...myTracks, videoTrack: picture, isVideoEnabled: true },
      },
      [["track_enabled", me, "self", "video"]],
    ],
    [
      "a local track is replaced by another",
      inRoom(addMine, mineReady),
      { type: "local_stream_changed", streamId: myStream, tracks: { ...myTracks, audioTrack: audioTrack() } },
      [],
    ],
    [
      "a local stream is censored",
      inRoom(addMine, mineReady),
      notice({ type: "stream_updated", stream: stream(myStream, me, { audio: censored, video: off }) }),
      [["track_censored", me, "self", "audio"]],
    ],
    [
      "a local stream is censored before it is there",
      inRoom(addMine),
      notice({ type: "stream_updated", stream: stream(myStream, me, { audio: censored, video: off }) }),
      [],
    ],
    [
      "a local stream is there, censored",
      inRoom(
        addMine,
        notice({ type: "stream_updated", stream: stream(myStream, me, { audio: censored, video: off }) }),
      ),
      mineReady,
      [
        ["stream_published", me, "self"],
        ["track_censored", me, "self", "audio"],
      ],
    ],
    [
      "a local stream is withdrawn",
      inRoom(addMine, mineReady),
      { type: "local_stream_removed", streamId: myStream },
      [["stream_unpublished", me, "self"]],
    ],
    [
      "a local stream fails before it was published",
      inRoom(addMine),
      { type: "local_stream_removed", streamId: myStream },
      [],
    ],
    ["a subscription is accepted", inRoom(), subscribeAlice, []],
    [
      "a subscription gets its tracks",
      inRoom(subscribeAlice),
      bothTracks,
      [["subscription_started", alice, "self"]],
    ],
    ["the same tracks come again", inRoom(subscribeAlice, bothTracks), bothTracks, []],
    ["tracks come for what is not subscribed", inRoom(), bothTracks, []],
    [
      "a subscription is changed",
      inRoom(subscribeAlice),
      { ...subscribeAlice, video: true },
      [["subscription_reconfigured", alice, "self"]],
    ],
    [
      "a picture is paused",
      inRoom(subscribeAlice),
      notice({ type: "subscription_paused", stream_id: aliceStream, paused: true, reason: "bandwidth" }),
      [["subscription_paused", alice, "self", "bandwidth"]],
    ],
    [
      "a picture that flows is resumed",
      inRoom(subscribeAlice),
      notice({ type: "subscription_paused", stream_id: aliceStream, paused: false, reason: "bandwidth" }),
      [],
    ],
    [
      "a picture is resumed",
      inRoom(
        subscribeAlice,
        notice({ type: "subscription_paused", stream_id: aliceStream, paused: true, reason: "bandwidth" }),
      ),
      notice({ type: "subscription_paused", stream_id: aliceStream, paused: false, reason: "bandwidth" }),
      [["subscription_resumed", alice, "self"]],
    ],
    [
      "a picture is paused that is not subscribed",
      inRoom(),
      notice({ type: "subscription_paused", stream_id: aliceStream, paused: true, reason: "bandwidth" }),
      [],
    ],
    [
      "a subscription is removed",
      inRoom(subscribeAlice),
      { type: "unsubscribed", streamId: aliceStream },
      [["subscription_ended", alice, "self"]],
    ],
    ["nothing to unsubscribe", inRoom(), { type: "unsubscribed", streamId: aliceStream }, []],
    [
      "the room ends",
      inRoom(),
      { type: "ended", reason: "session_terminated" },
      [["disconnected", "session_terminated"]],
    ],
    [
      "this client is kicked",
      inRoom(),
      { type: "ended", reason: "kicked" },
      [
        ["participant_leaving", me, "kicked"],
        ["disconnected", "kicked"],
      ],
    ],
    [
      "recording begins",
      inRoom(),
      notice({ type: "recording_changed", recording: true }),
      [["recording_changed", true]],
    ],
    [
      "recording ends",
      inRoom(notice({ type: "recording_changed", recording: true })),
      notice({ type: "recording_changed", recording: false }),
      [["recording_changed", false]],
    ],
    ["recording goes on", inRoom(), notice({ type: "recording_changed", recording: false }), []],
    ["a notice of a later server", inRoom(), notice({ type: "recording_started" }), []],
    ["media notices", inRoom(), notice({ type: "lines_wanted", audio: 1, video: 1 }), []],
  ];

  it.each(table)("%s", (_, from, change, told) => {
    const { steps } = run(from, change);
    expect(events(steps)).toEqual(told);
  });

  it("emits connected with everybody and everything in the state", () => {
    const mixedAudioTrack = audioTrack();
    const { state, steps } = run(
      fresh(),
      { type: "connecting" },
      {
        type: "joined",
        participants: [participant(alice, { context: "A" }), participant(me)],
        streams: [stream(aliceStream, alice)],
        recording: true,
        mixedAudioTrack,
      },
    );
    expect(events(steps)).toEqual([["connected"]]);
    expect(state).toMatchObject({
      status: "connected",
      localParticipantId: me,
      recording: true,
      mixedAudioTrack,
    });
    expect(state.participants.get(alice)).toEqual({
      id: alice,
      origin: "remote",
      context: "A",
      streams: { self: aliceStream },
      canReceiveMessages: true,
    });
    expect(state.participants.get(me)?.origin).toBe("local");
  });

  it("shows each effect with its event when a participant leaves", () => {
    const { steps } = run(
      inRoom(subscribeAlice, bothTracks),
      notice({ type: "participant_left", participant_id: alice, reason: "left" }),
    );
    const [leaving, ended, unpublished, left] = steps.map((step) => step.state) as [
      State,
      State,
      State,
      State,
    ];
    expect(leaving.streams.has(aliceStream)).toBe(true);
    expect(ended.subscriptions.size).toBe(0);
    expect(ended.streams.get(aliceStream)).toMatchObject({ isConfigured: false });
    expect(ended.streams.get(aliceStream)?.audioTrack).toBeUndefined();
    expect(unpublished.streams.has(aliceStream)).toBe(false);
    expect(unpublished.participants.get(alice)?.streams).toEqual({});
    expect(left.participants.has(alice)).toBe(false);
  });

  it("keeps a pause until the picture is back, through changes of the subscription", () => {
    const pause = (paused: boolean) =>
      notice({ type: "subscription_paused", stream_id: aliceStream, paused, reason: "bandwidth" });
    const of = (state: State) => state.subscriptions.get(alice)?.get("self");
    const paused = inRoom(subscribeAlice, pause(true), { ...subscribeAlice, video: true });
    expect(of(paused)).toMatchObject({ video: true, videoPaused: "bandwidth" });
    expect(of(run(paused, pause(false)).state)).not.toHaveProperty("videoPaused");
  });

  it("moves a line from one stream to another", () => {
    const subscribeBob: Change = {
      type: "subscribed",
      streamId: bobStream,
      subscriptionId: "s2",
      audio: true,
      video: true,
    };
    const both = inRoom(
      notice({ type: "stream_published", stream: stream(bobStream, bob) }),
      subscribeAlice,
      bothTracks,
      subscribeBob,
    );
    const handedOver: Change = {
      type: "tracks_received",
      streams: new Map([[bobStream, { audioTrack: sound, videoTrack: picture }]]),
    };
    const { state, steps } = run(both, handedOver);
    expect(state.streams.get(aliceStream)).toMatchObject({ isConfigured: false });
    expect(state.streams.get(aliceStream)?.videoTrack).toBeUndefined();
    expect(state.streams.get(bobStream)).toMatchObject({ isConfigured: true, videoTrack: picture });
    expect(events(steps)).toEqual([["subscription_started", bob, "self"]]);
  });

  it("keeps only the local participant at the end", () => {
    const { state } = run(inRoom(addMine, mineReady, subscribeAlice), {
      type: "ended",
      reason: "network_error",
    });
    expect(state.status).toBe("disconnected");
    expect([...state.participants.keys()]).toEqual([me]);
    expect(state.participants.get(me)?.streams).toEqual({});
    expect([state.streams.size, state.subscriptions.size, state.mixedAudioTrack]).toEqual([0, 0, undefined]);
  });

  it("keeps a key that looks like a property of objects apart", () => {
    const odd = run(
      inRoom(),
      notice({ type: "stream_published", stream: stream(bobStream, bob, { key: "__proto__" }) }),
    ).state;
    expect(streamOf(odd, bob, "__proto__")?.id).toBe(bobStream);
    expect(streamOf(odd, bob, "toString")).toBeUndefined();
  });
});

describe("random sequences of notices", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "seed %i: the state is what a plain model says, and so is what the events say",
    (seed) => {
      const random = generator(seed);
      const pick = <T>(values: T[]): T | undefined => values[Math.floor(random() * values.length)];
      const people = new Map<string, Set<string>>();
      const streams = new Map<string, StreamFrame>();
      // What somebody knows who only listens to events.
      const heard = { people: new Set<string>(), streams: new Set<string>() };
      let state = run(
        fresh(),
        { type: "connecting" },
        { type: "joined", participants: [], streams: [] },
      ).state;

      for (let turn = 0; turn < 400; turn++) {
        const dice = random();
        let change: Change | undefined;
        if (dice < 0.2) {
          const id = `p${turn}`;
          people.set(id, new Set());
          change = notice({ type: "participant_joined", participant: participant(id) });
        } else if (dice < 0.3) {
          const id = pick([...people.keys()]);
          if (!id) continue;
          for (const streamId of people.get(id) ?? []) streams.delete(streamId);
          people.delete(id);
          change = notice({ type: "participant_left", participant_id: id, reason: pick(["left", "kicked"]) });
        } else if (dice < 0.55) {
          const owner = pick([...people.keys()]);
          if (!owner) continue;
          const frame = stream(`s${turn}`, owner, { key: `k${turn}` });
          streams.set(frame.id, frame);
          people.get(owner)?.add(frame.id);
          change = notice({ type: "stream_published", stream: frame });
        } else if (dice < 0.7) {
          const frame = pick([...streams.values()]);
          if (!frame) continue;
          const flag = () => ({ enabled: random() < 0.5, censored: random() < 0.5 });
          const next = { ...frame, audio: flag(), video: flag() };
          streams.set(next.id, next);
          change = notice({ type: "stream_updated", stream: next });
        } else if (dice < 0.8) {
          const frame = pick([...streams.values()]);
          if (!frame) continue;
          streams.delete(frame.id);
          people.get(frame.participant_id)?.delete(frame.id);
          change = notice({ type: "stream_unpublished", stream_id: frame.id });
        } else {
          const frame = pick([...streams.values()]);
          if (!frame) continue;
          change =
            dice < 0.9
              ? {
                  type: "subscribed",
                  streamId: frame.id,
                  subscriptionId: `sub${turn}`,
                  audio: true,
                  video: true,
                }
              : { type: "unsubscribed", streamId: frame.id };
        }
        for (const step of reduce(frozen(state), change)) {
          state = step.state;
          for (const event of step.events) {
            if (event[0] === "participant_joined") heard.people.add(event[1]);
            if (event[0] === "participant_left") heard.people.delete(event[1]);
            if (event[0] === "stream_published") heard.streams.add(event[2]);
            if (event[0] === "stream_unpublished") heard.streams.delete(event[2]);
          }
          // Whatever is being told, nothing in a state points to what is not in it.
          for (const known of state.streams.values()) {
            expect(state.participants.get(known.participantId)?.streams[known.key]).toBe(known.id);
          }
          for (const [id, keys] of state.subscriptions) {
            for (const key of keys.keys()) expect(streamOf(state, id, key)).toBeDefined();
          }
        }
      }
      expect(new Set(state.participants.keys())).toEqual(new Set([me, ...people.keys()]));
      expect(new Set(state.streams.keys())).toEqual(new Set(streams.keys()));
      for (const [id, frame] of streams) {
        expect(state.streams.get(id)).toMatchObject({
          participantId: frame.participant_id,
          isAudioEnabled: frame.audio.enabled,
          isAudioCensored: frame.audio.censored,
          isVideoEnabled: frame.video.enabled,
          isVideoCensored: frame.video.censored,
        });
      }
      expect(heard.people).toEqual(new Set(people.keys()));
      expect(heard.streams).toEqual(new Set([...streams.values()].map((frame) => frame.key)));
    },
  );
});

/** Numbers between 0 and 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
