import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AudioRenderer, RoomProvider, StartAudio, VideoTrack } from "../src/index.js";
import { FakeRoom } from "./fake-room.js";

let fake: FakeRoom;
beforeEach(() => {
  fake = new FakeRoom();
  vi.stubGlobal(
    "MediaStream",
    class {
      constructor(readonly tracks: MediaStreamTrack[]) {}
    },
  );
  // What a browser takes, happy-dom does not.
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", { writable: true, value: null });
  HTMLMediaElement.prototype.play = async () => {};
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  expect(fake.listeners).toBe(0);
});

const track = (id: string) => ({ id, kind: "video" }) as MediaStreamTrack;
const video = () => screen.getByTestId<HTMLVideoElement>("video");
const shown = () => (video().srcObject as unknown as { tracks: MediaStreamTrack[] } | null)?.tracks[0]?.id;

it("shows what a participant publishes, as long as it is on", async () => {
  render(
    <StrictMode>
      <RoomProvider room={fake.room}>
        <VideoTrack participantId="ada" data-testid="video" className="tile" />
      </RoomProvider>
    </StrictMode>,
  );
  expect(video()).toMatchObject({ autoplay: true, muted: true, className: "tile" });
  expect(video().hasAttribute("playsinline")).toBe(true);
  expect(video().hasAttribute("participantid")).toBe(false);
  expect(shown()).toBeUndefined();
  await fake.join("ada", { videoTrack: track("one") });
  expect(shown()).toBe("one");
  await fake.publish("ada-stream", "ada", { videoTrack: track("one"), isVideoEnabled: false });
  expect(shown()).toBeUndefined();
  await fake.publish("ada-stream", "ada", { videoTrack: track("two") });
  expect(shown()).toBe("two");
  await fake.publish("ada-stream", "ada", { videoTrack: track("two"), isVideoCensored: true });
  expect(shown()).toBeUndefined();
});

it("leaves the picture of a stream to the room, while there is one", async () => {
  await fake.join("ada", { videoTrack: track("one"), key: "screen" });
  render(
    <RoomProvider room={fake.room}>
      <VideoTrack participantId="ada" streamKey="screen" data-testid="video" />
    </RoomProvider>,
  );
  expect(fake.asked).toEqual([["attach", "ada", "screen"]]);
  await fake.set({ status: "disconnected" });
  expect(shown()).toBeUndefined();
});

it("shows a track that it is given, without any room", () => {
  const { rerender } = render(<VideoTrack track={track("own")} data-testid="video" />);
  expect(shown()).toBe("own");
  rerender(<VideoTrack track={undefined} data-testid="video" />);
  expect(shown()).toBeUndefined();
});

it("plays the sound while it is there", () => {
  const { unmount } = render(
    <RoomProvider room={fake.room}>
      <AudioRenderer />
    </RoomProvider>,
  );
  expect(fake.asked).toEqual([["play", true]]);
  unmount();
  expect(fake.asked.at(-1)).toEqual(["play", false]);
});

it("offers a button while the browser holds back the sound", async () => {
  const clicked = vi.fn();
  render(
    <RoomProvider room={fake.room}>
      <StartAudio className="loud" onClick={clicked} />
    </RoomProvider>,
  );
  expect(screen.queryByRole("button")).toBeNull();
  await fake.set({ audioBlocked: true });
  const button = screen.getByRole("button", { name: "Turn on sound" });
  expect(button.className).toBe("loud");
  fireEvent.click(button);
  expect(fake.asked).toEqual([["start"]]);
  expect(clicked).toHaveBeenCalledOnce();
  await fake.set({ audioBlocked: false });
  expect(screen.queryByRole("button")).toBeNull();
});
