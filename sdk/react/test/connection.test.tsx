import { type InitializeConfig, RoomError } from "@rotunda/video";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useRoomConnection } from "../src/index.js";
import { FakeRoom } from "./fake-room.js";

const made: FakeRoom[] = [];
let initializing: (config: InitializeConfig) => Promise<unknown>;
vi.mock("@rotunda/video", async (original) => ({
  ...(await original<object>()),
  initialize: (config: InitializeConfig) => initializing(config),
}));

beforeEach(() => {
  made.length = 0;
  initializing = async () => {
    const fake = new FakeRoom();
    made.push(fake);
    return fake.room;
  };
});
afterEach(cleanup);

const config = { roomId: "one", clientToken: "t" };
const steps = () => made.map(({ asked }) => asked.map(([what]) => what).join());

it("enters once there is something to enter, and leaves with the component", async () => {
  const { result, rerender, unmount } = renderHook(
    ({ given }: { given: InitializeConfig | null }) => useRoomConnection(given),
    { initialProps: { given: null as InitializeConfig | null } },
  );
  expect(made).toEqual([]);
  rerender({ given: config });
  await waitFor(() => expect(result.current.room).toBe(made[0]));
  rerender({ given: { ...config, clientToken: "fresh" } });
  expect(steps()).toEqual(["connect"]);
  rerender({ given: { ...config, roomId: "two" } });
  await waitFor(() => expect(result.current.room).toBe(made[1]));
  unmount();
  expect(steps()).toEqual(["connect,disconnect", "connect,disconnect"]);
});

it("leaves what it had entered when React tries everything twice", async () => {
  const { result } = renderHook(() => useRoomConnection(config), { wrapper: StrictMode });
  await waitFor(() => expect(result.current.room).toBe(made[1]));
  expect(steps()).toEqual(["disconnect", "connect"]);
});

it("tells why it could not enter", async () => {
  initializing = async () => {
    throw new RoomError("room_full", "no");
  };
  const { result } = renderHook(() => useRoomConnection(config));
  await act(async () => {});
  expect(result.current).toMatchObject({ room: undefined, error: { code: "room_full" } });
});
