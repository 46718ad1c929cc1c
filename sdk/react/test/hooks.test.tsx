import { RoomError } from "@rotunda/video";
import { act, cleanup, renderHook } from "@testing-library/react";
import { type ReactNode, StrictMode, version } from "react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  RoomProvider,
  useConnectionState,
  useDominantSpeaker,
  useLocalParticipant,
  useMessages,
  useParticipant,
  useParticipants,
  useRoom,
  useRoomEvent,
  useRoomState,
  useSpeakers,
  useStream,
  useStreams,
  useSubscription,
  useTrack,
} from "../src/index.js";
import { FakeRoom, self } from "./fake-room.js";

let fake: FakeRoom;
const within = ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <RoomProvider room={fake.room}>{children}</RoomProvider>
  </StrictMode>
);

/** Renders a hook, and counts how often. */
function hook<T>(use: () => T) {
  let renders = 0;
  const { result, unmount, rerender } = renderHook(
    () => {
      renders++;
      return use();
    },
    { wrapper: within },
  );
  return { result, unmount, rerender, renders: () => renders };
}

beforeEach(() => {
  fake = new FakeRoom();
});
afterEach(() => {
  cleanup();
  expect(fake.listeners).toBe(0);
});

it("runs with the React that was asked for", () => {
  expect(version).toMatch(process.env.REACT === "18" ? /^18\./ : /^19\./);
});

it("needs a provider", () => {
  expect(() => renderHook(() => useRoom())).toThrow("RoomProvider");
});

describe("state", () => {
  it("follows the part that was selected, and renders for nothing else", async () => {
    const { result, renders } = hook(useConnectionState);
    const before = renders();
    await fake.join("ada");
    expect(renders()).toBe(before);
    await fake.set({ status: "disconnected" });
    expect(result.current).toBe("disconnected");
    expect(hook(() => useRoomState()).result.current).toBe(fake.state);
  });

  it("calls the listener of the last render", async () => {
    let word = "first";
    const heard: string[] = [];
    const { rerender } = hook(() => {
      const now = word;
      useRoomEvent("connected", () => heard.push(now));
    });
    word = "second";
    rerender();
    await fake.tell("connected");
    expect(heard).toEqual(["second"]);
  });
});

describe("participants", () => {
  it("lists this client first", async () => {
    const all = hook(() => useParticipants());
    const others = hook(() => useParticipants({ local: false }));
    await fake.join("ada");
    await fake.set({ participants: new Map([...fake.state.participants].reverse()) });
    expect(all.result.current.map(({ id }) => id)).toEqual(["me", "ada"]);
    expect(others.result.current.map(({ id }) => id)).toEqual(["ada"]);
    expect(hook(useLocalParticipant).result.current).toBe(self);
  });

  it("loses one that left", async () => {
    const { result } = hook(() => useParticipant("ada"));
    await fake.join("ada");
    expect(result.current?.id).toBe("ada");
    await fake.set({ participants: new Map([[self.id, self]]) });
    expect(result.current).toBeUndefined();
  });

  it("knows who speaks", async () => {
    await fake.join("ada");
    await fake.join("bo");
    const speakers = hook(useSpeakers);
    await fake.tell("audio_activity", "ada", null);
    await fake.tell("audio_activity", "bo", "self");
    const seen = speakers.result.current;
    await fake.tell("audio_activity", "ada", null);
    expect(speakers.result.current).toBe(seen);
    expect(seen).toEqual(["ada", "bo"]);
    await fake.tell("audio_activity_ended", "ada", null);
    await fake.tell("audio_activity_ended", "bo", "self");
    expect(speakers.result.current).toEqual([]);
  });

  it("knows who has the word", async () => {
    await fake.join("ada");
    const { result } = hook(useDominantSpeaker);
    expect(result.current).toBeUndefined();
    await fake.set({ dominantSpeakerId: "ada" });
    expect(result.current?.id).toBe("ada");
  });
});

describe("streams", () => {
  const track = (kind: string) => ({ kind }) as MediaStreamTrack;

  it("finds a stream and its tracks", async () => {
    const [audioTrack, videoTrack] = [track("audio"), track("video")];
    const stream = hook(() => useStream("ada"));
    const video = hook(() => useTrack("ada", "self", "video"));
    const audio = hook(() => useTrack("ada", "self", "audio"));
    const screens = hook(() => useStreams({ key: "presentation" }));
    expect(video.result.current).toEqual({ track: undefined, isEnabled: false, isCensored: false });
    await fake.join("ada", { audioTrack, videoTrack, isVideoEnabled: false, isAudioCensored: true });
    expect(stream.result.current?.participantId).toBe("ada");
    expect(video.result.current).toEqual({ track: videoTrack, isEnabled: false, isCensored: false });
    expect(audio.result.current).toEqual({ track: audioTrack, isEnabled: true, isCensored: true });
    expect(screens.result.current).toEqual([]);
    expect(hook(() => useStream("nobody")).result.current).toBeUndefined();
    // Words that every object knows are no keys.
    expect(hook(() => useStream("ada", "constructor")).result.current).toBeUndefined();
  });

  const adds = () => fake.asked.filter(([what]) => what === "add");

  it("receives a stream as long as anybody looks at it", async () => {
    const one = hook(() => useSubscription("ada"));
    const two = hook(() => useSubscription("ada", "self", { audio: true, video: false }));
    expect(adds()).toEqual([]);
    await fake.join("ada", {});
    expect(adds().at(-1)).toEqual(["add", "ada", "self", { audio: true, video: false }]);
    expect(one.result.current).toMatchObject({ stream: { participantId: "ada" }, error: undefined });
    two.unmount();
    expect(fake.asked.filter(([what]) => what === "remove")).toEqual([]);
    one.unmount();
    expect(fake.asked.at(-1)).toEqual(["remove", "ada", "self"]);
  });

  it("lets go of it while the connection is lost, too", async () => {
    await fake.join("ada", {});
    const { unmount } = hook(() => useSubscription("ada"));
    await act(async () => {});
    await fake.set({ status: "reconnecting" });
    unmount();
    expect(fake.asked.at(-1)).toEqual(["remove", "ada", "self"]);
  });

  it("asks again only for something else", async () => {
    let video = true;
    await fake.join("ada", {});
    const { rerender } = hook(() => useSubscription("ada", "self", { audio: true, video }));
    const before = adds().length;
    rerender();
    expect(adds()).toHaveLength(before);
    video = false;
    rerender();
    expect(adds()).toHaveLength(before + 1);
    await act(async () => {});
  });

  it("tells why a stream cannot be received", async () => {
    fake.subscribing = async () => {
      throw new RoomError("forbidden", "no");
    };
    await fake.join("ada", {});
    const { result } = hook(() => useSubscription("ada"));
    await act(async () => {});
    expect(result.current.error?.code).toBe("forbidden");
  });

  it("lets go of what was subscribed after its component went", async () => {
    let done = () => {};
    fake.subscribing = () =>
      new Promise((resolve) => {
        done = resolve;
      });
    await fake.join("ada", {});
    hook(() => useSubscription("ada")).unmount();
    fake.asked.length = 0;
    await act(async () => done());
    expect(fake.asked).toEqual([["remove", "ada", "self"]]);
  });
});

it("keeps the last messages", async () => {
  const { result } = hook(() => useMessages({ limit: 2 }));
  for (const payload of ["one", "two", "three"]) {
    await fake.tell("message_received", "ada", { type: "text", payload }, []);
  }
  expect(result.current.messages.map(({ id, message }) => [id, message.payload])).toEqual([
    [2, "two"],
    [3, "three"],
  ]);
  await result.current.send("hello", ["ada"]);
  expect(fake.asked.at(-1)).toEqual(["send", { type: "text", payload: "hello" }, ["ada"]]);
});
