import type { Events, Room, State } from "@rotunda/video";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CaptureView, Devices } from "../devices/capture";
import { Pass } from "../entrance/pass";
import { Store } from "../ui/store";
import { Conversation } from "./conversation";

const empty: State = {
  status: "connected",
  localParticipantId: "me",
  participants: new Map([["me", { id: "me", origin: "local", streams: {}, canReceiveMessages: true }]]),
  streams: new Map(),
  subscriptions: new Map(),
  recording: false,
  dominantSpeakerId: null,
  audioBlocked: false,
};

/** A room that does what the test says. */
class ScriptedRoom {
  state = empty;
  calls: string[] = [];
  refusal: { code: string } | null = null;
  readonly #listeners = new Map<string, ((...args: unknown[]) => void)[]>();

  on<E extends keyof Events>(event: E, listener: Events[E]): () => void {
    this.#listeners.set(event, [
      ...(this.#listeners.get(event) ?? []),
      listener as (...args: unknown[]) => void,
    ]);
    return () => undefined;
  }

  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...args);
  }

  getState = () => this.state;
  getLocalStreams = () => ({});

  async connect(): Promise<void> {
    if (this.refusal) throw this.refusal;
    this.emit("state_changed", this.state);
    this.emit("connected", this.state);
  }

  async disconnect(): Promise<void> {
    this.calls.push("disconnect");
  }

  async addStream(key: string, tracks: { audio?: MediaStreamTrack; video?: object }): Promise<void> {
    this.calls.push(`add ${key} ${describe(tracks)}`);
  }

  async updateStream(key: string, tracks: { audio?: MediaStreamTrack; video?: object }): Promise<void> {
    this.calls.push(`update ${key} ${describe(tracks)}`);
  }

  async addSubscription(id: string, key: string, config: object): Promise<void> {
    this.calls.push(`subscribe ${id}/${key} ${JSON.stringify(config)}`);
  }

  async updateSubscription(id: string, key: string, config: object): Promise<void> {
    this.calls.push(`change ${id}/${key} ${JSON.stringify(config)}`);
  }

  async sendMessage(message: { payload: string }, recipients: string[]): Promise<string[]> {
    this.calls.push(`send ${message.payload} to ${recipients.join() || "all"}`);
    return recipients.filter((id) => id === "deaf");
  }
}

function describe({ audio, video }: { audio?: MediaStreamTrack; video?: object }): string {
  const track = (video as { track?: MediaStreamTrack } | undefined)?.track;
  return `${audio ? `${audio.id}:${audio.enabled}` : "-"} ${track?.id ?? "-"}`;
}

const track = (id: string, enabled = true) => ({ id, enabled, readyState: "live" }) as MediaStreamTrack;

function devicesWith(microphone: MediaStreamTrack | null, camera: MediaStreamTrack | null) {
  const device = (one: MediaStreamTrack | null) => ({
    on: one !== null,
    starting: false,
    track: one,
    trouble: null,
  });
  const view = new Store<CaptureView>({
    microphone: device(microphone),
    camera: device(camera),
    choices: { microphone: [], camera: [], speaker: [] },
    chosen: {},
    canChooseSpeaker: false,
  });
  const never = async () => undefined;
  return {
    view,
    level: { read: () => 0 },
    setMicrophone: never,
    setCamera: never,
    choose: never,
    retry: never,
  } satisfies Devices;
}

function begin(
  options: { devices?: Devices; refreshToken?: string | null; refusals?: (string | null)[] } = {},
) {
  const rooms: ScriptedRoom[] = [];
  const refusals = [...(options.refusals ?? [])];
  const initialize = vi.fn(async () => {
    const room = new ScriptedRoom();
    const code = refusals.shift();
    if (code) room.refusal = { code };
    rooms.push(room);
    return room as unknown as Room;
  });
  const fetch = vi.fn<typeof globalThis.fetch>(async () => Response.json({ data: { token: "fresh" } }));
  const pass = new Pass(
    { kind: "room", roomId: "r", token: "t", refreshToken: options.refreshToken ?? null },
    { fetch },
  );
  const devices = options.devices ?? devicesWith(track("mic"), track("cam"));
  const call = new Conversation({ pass, devices, name: "Ana", initialize, random: () => 0 });
  return { call, rooms, initialize, fetch, devices };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("joins under its name and publishes camera and microphone once", async () => {
  const { call, rooms, initialize } = begin();
  await call.start();
  await settle();
  expect(call.view.get().status).toBe("connected");
  expect(initialize).toHaveBeenCalledWith(
    expect.objectContaining({
      roomId: "r",
      clientToken: "t",
      context: '{"name":"Ana"}',
      enableMessages: true,
      mixedAudio: false,
    }),
  );
  expect(rooms[0]?.calls).toEqual(["add self mic:true cam"]);
});

it("joins without devices and publishes when there are some", async () => {
  const devices = devicesWith(null, null);
  const { call, rooms } = begin({ devices });
  await call.start();
  await settle();
  expect(rooms[0]?.calls).toEqual([]);
  devices.view.patch({ microphone: { on: true, starting: false, track: track("mic"), trouble: null } });
  await settle();
  expect(rooms[0]?.calls).toEqual(["add self mic:true -"]);
});

it("tells the others when the microphone is muted and the camera closed", async () => {
  const devices = devicesWith(track("mic"), track("cam"));
  const { call, rooms } = begin({ devices });
  await call.start();
  await settle();
  devices.view.patch({
    microphone: { on: false, starting: false, track: track("mic", false), trouble: null },
  });
  await settle();
  devices.view.patch({ camera: { on: false, starting: false, track: null, trouble: null } });
  await settle();
  expect(rooms[0]?.calls.slice(1)).toEqual(["update self mic:false cam", "update self mic:false -"]);
});

it("comes back after a break as a new room, with growing waits", async () => {
  const { call, rooms } = begin({ refusals: [null, "network_error", null] });
  await call.start();
  await settle();
  rooms[0]?.emit("disconnected", "network_error", empty);
  expect(call.view.get()).toMatchObject({ status: "waiting", retry: { attempt: 1, lost: true } });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(rooms).toHaveLength(2);
  expect(call.view.get()).toMatchObject({ status: "waiting", retry: { attempt: 2 } });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(rooms).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(call.view.get()).toMatchObject({
    status: "connected",
    retry: null,
    said: "You are back in the call",
  });
  expect(rooms[2]?.calls).toEqual(["add self mic:true cam"]);
});

it("shows that the connection is lost while the room reconnects by itself", async () => {
  const { call, rooms } = begin();
  await call.start();
  rooms[0]?.emit("reconnecting", empty);
  expect(call.view.get()).toMatchObject({ status: "connected", reconnecting: true });
  rooms[0]?.emit("reconnected", { resumed: true }, empty);
  expect(call.view.get()).toMatchObject({ reconnecting: false, said: "You are back in the call" });
  expect(rooms).toHaveLength(1);
});

it("tries at once when told to, and stops trying when left", async () => {
  const { call, rooms } = begin({ refusals: ["unavailable", "unavailable"] });
  await call.start();
  call.retryNow();
  await settle();
  expect(rooms).toHaveLength(2);
  call.leave();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rooms).toHaveLength(2);
  expect(call.view.get().ending).toBe("left");
});

it("gets a fresh token once, then gives up", async () => {
  const { call, initialize, fetch } = begin({
    refreshToken: "r",
    refusals: ["unauthorized", "unauthorized"],
  });
  await call.start();
  await settle();
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(initialize).toHaveBeenLastCalledWith(expect.objectContaining({ clientToken: "fresh" }));
  expect(call.view.get().ending).toBe("token_expired");
});

it.each([
  ["kicked", "kicked"],
  ["session_terminated", "session_ended"],
  ["room_expired", "room_deleted"],
  ["unauthorized", "token_expired"],
] as const)("ends when the room ends with %s", async (reason, ending) => {
  const { call, rooms } = begin();
  await call.start();
  rooms[0]?.emit("disconnected", reason, empty);
  expect(call.view.get()).toMatchObject({ status: "ended", ending });
  await vi.advanceTimersByTimeAsync(60_000); // and does not come back
  expect(rooms).toHaveLength(1);
});

it("says what a moderator did", async () => {
  const { call, rooms } = begin();
  await call.start();
  const room = rooms[0] as ScriptedRoom;
  room.emit("audio_activity", "me", "self", empty);
  room.emit("track_censored", "me", "self", "audio", empty);
  expect(call.view.get()).toMatchObject({ note: { text: "A moderator muted you." }, speaking: new Set() });
  room.emit("track_censored", "b", "self", "audio", empty);
  expect(call.view.get().note?.text).toBe("A moderator muted you.");
  room.emit("track_uncensored", "me", "self", "audio", empty);
  expect(call.view.get().note?.text).toBe("A moderator lets you be heard again.");
  room.emit("participant_leaving", "b", "kicked", empty);
  expect(call.view.get().said).toMatch(/was removed$/);
});

it("says when the call is recorded", async () => {
  const { call, rooms } = begin();
  await call.start();
  const room = rooms[0] as ScriptedRoom;
  room.emit("recording_changed", true, { ...empty, recording: true });
  expect(call.view.get().said).toBe("This call is being recorded");
  room.emit("recording_changed", false, empty);
  expect(call.view.get().said).toBe("This call is no longer being recorded");
  room.emit("connected", { ...empty, recording: true });
  expect(call.view.get().said).toMatch(/\. This call is being recorded$/);
});

it("leaves the room it was about to enter when left while joining", async () => {
  const { call, rooms } = begin();
  const joining = call.start();
  call.leave();
  await joining;
  expect(rooms.flatMap((room) => room.calls)).toEqual(rooms.map(() => "disconnect"));
  expect(call.view.get().ending).toBe("left");
});

it("subscribes to every stream and follows how it is looked at", async () => {
  const { call, rooms } = begin({ devices: devicesWith(null, null) });
  await call.start();
  const room = rooms[0] as ScriptedRoom;
  const stream = { id: "s1", key: "self", participantId: "b", origin: "remote" } as never;
  room.state = { ...empty, streams: new Map([["s1", stream]]) };
  call.look(new Map([["s1", "low"]]));
  room.emit("state_changed", room.state);
  await settle();
  call.look(new Map([["s1", "hidden"]]));
  await settle();
  expect(room.calls).toEqual([
    'subscribe b/self {"audio":true,"video":true,"quality":"low"}',
    'change b/self {"audio":true,"video":false}',
  ]);
});

it("shows who speaks until they stop, are muted or leave", async () => {
  const { call, rooms } = begin();
  await call.start();
  const room = rooms[0] as ScriptedRoom;
  room.emit("audio_activity", "b", "self", empty);
  room.emit("audio_activity", "c", "self", empty);
  room.emit("audio_activity", "d", "presentation", empty);
  expect([...call.view.get().speaking]).toEqual(["b", "c"]);
  room.emit("audio_activity_ended", "b", "self", empty);
  room.emit("track_disabled", "c", "self", "audio", empty);
  expect(call.view.get().speaking.size).toBe(0);
  expect(call.view.get().activeAt.has("b")).toBe(true);
});

it("keeps private messages it sent, and says which did not arrive", async () => {
  const { call, rooms } = begin({ devices: devicesWith(null, null) });
  await call.start();
  const room = rooms[0] as ScriptedRoom;
  const other = (id: string) =>
    ({ id, origin: "remote", context: id, streams: {}, canReceiveMessages: true }) as const;
  room.state = {
    ...empty,
    participants: new Map([...empty.participants, ["deaf", other("deaf")], ["b", other("b")]]),
  };
  expect(await call.send("hello", null)).toBeNull();
  expect(call.view.get().chat.entries).toHaveLength(0);
  expect(await call.send("psst", "deaf")).toBeNull();
  expect(await call.send("psst", "b")).toBeNull();
  expect(call.view.get().chat.entries.map(({ to, delivered }) => [to, delivered])).toEqual([
    ["deaf", false],
    ["b", true],
  ]);
  expect(room.calls).toEqual(["send hello to all", "send psst to deaf", "send psst to b"]);
  expect(await call.send("psst", "gone")).toBe("This person has left.");
});
