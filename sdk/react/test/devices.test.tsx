import { LocalMedia, type Room } from "@rotunda/video";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeMediaDevices } from "../../web/test/fakes/devices.js";
import { RoomProvider, useDevices, useLocalMedia } from "../src/index.js";
import { FakeRoom } from "./fake-room.js";

let devices: FakeMediaDevices;
beforeEach(() => {
  devices = new FakeMediaDevices();
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { mediaDevices: devices });
});
afterEach(() => {
  cleanup();
  expect(devices.listeners).toBe(0);
  expect(devices.live).toEqual([]);
  vi.unstubAllGlobals();
});

it("lists devices as they come and go", async () => {
  const { result } = renderHook(() => useDevices());
  await waitFor(() => expect(result.current.videoinput).toEqual([{ id: "lid", label: "The lid" }]));
  await act(async () => devices.plug("videoinput", "shelf"));
  expect(result.current.videoinput.map(({ id }) => id)).toEqual(["lid", "shelf"]);
});

it("has devices of its own, closed with the component", async () => {
  const { result, unmount } = renderHook(() => useLocalMedia({ camera: { width: 320 } }), {
    wrapper: StrictMode,
  });
  await act(async () => void (await result.current.setCamera(true)));
  expect(result.current.camera).toMatchObject({ on: true, starting: false });
  expect(devices.asked.at(-1)).toMatchObject({ video: { width: 320 } });
  devices.refuses.set("audio", new DOMException("no", "NotAllowedError"));
  await act(async () =>
    expect(await result.current.setMicrophone(true)).toMatchObject({ code: "permission_denied" }),
  );
  expect(result.current.microphone.error?.code).toBe("permission_denied");
  unmount();
  expect(devices.live).toEqual([]);
});

it("publishes in the room around it, and not when it does not want to", async () => {
  const fake = new FakeRoom();
  const published: string[] = [];
  const room = Object.assign(fake, {
    addStream: async (key: string) => void published.push(`+${key}`),
    removeStream: async (key: string) => void published.push(`-${key}`),
    getLocalStreams: () => ({ self: {} }),
  }) as unknown as Room;
  const wrapper = ({ children }: { children: ReactNode }) => (
    <RoomProvider room={room}>{children}</RoomProvider>
  );
  const media = new LocalMedia();
  const { result, rerender, unmount } = renderHook(
    ({ publish }: { publish: boolean }) => useLocalMedia({ media, publish }),
    { wrapper, initialProps: { publish: false } },
  );
  await act(async () => void (await result.current.setCamera(true)));
  expect(published).toEqual([]);
  rerender({ publish: true });
  await waitFor(() => expect(published).toEqual(["+self"]));
  rerender({ publish: false });
  await waitFor(() => expect(published).toEqual(["+self", "-self"]));
  unmount();
  // They belong to who made them.
  expect(devices.live).toEqual(["lid"]);
  expect(fake.listeners).toBe(0);
  media.close();
});
