import type { Participant, State, Stream } from "@rotunda/video";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectedState } from "../../fixture/state";
import type { CaptureView, Devices } from "../devices/capture";
import { JoinPage } from "../entrance/JoinPage";
import { Store } from "../ui/store";
import { CallScreen } from "./CallScreen";
import { type Call, type ConversationView, initialView } from "./conversation";

/** happy-dom lays nothing out: every element is a desk's size. */
class DeskSized implements ResizeObserver {
  readonly #report: ResizeObserverCallback;
  constructor(report: ResizeObserverCallback) {
    this.#report = report;
  }
  observe(): void {
    this.#report([{ contentRect: { width: 1200, height: 700 } } as ResizeObserverEntry], this);
  }
  unobserve(): void {}
  disconnect(): void {}
}

const off = { on: false, starting: false, track: null, trouble: null } as const;

function makeDevices() {
  const view = new Store<CaptureView>({
    microphone: off,
    camera: off,
    choices: { microphone: [], camera: [{ id: "c", label: "Desk camera" }], speaker: [] },
    chosen: {},
    canChooseSpeaker: true,
  });
  return {
    view,
    level: { read: () => 0 },
    setMicrophone: vi.fn(async (on: boolean) => view.patch({ microphone: { ...view.get().microphone, on } })),
    setCamera: vi.fn(async () => undefined),
    choose: vi.fn(async () => undefined),
    retry: vi.fn(async () => undefined),
  } satisfies Devices;
}

function roomOf(count: number): State {
  const participants = new Map<string, Participant>();
  const streams = new Map<string, Stream>();
  for (let at = 0; at < count; at++) {
    const origin = at === 0 ? "local" : "remote";
    const [id, key] = [`p${at}`, "self"];
    streams.set(`s${at}`, {
      id: `s${at}`,
      key,
      participantId: id,
      origin,
      isAudioEnabled: at !== 2,
      isVideoEnabled: false,
      isAudioCensored: false,
      isVideoCensored: false,
      isConfigured: true,
    });
    const context = JSON.stringify({ name: `Person ${at}` });
    participants.set(id, { id, origin, context, streams: { self: `s${at}` }, canReceiveMessages: true });
  }
  return connectedState("p0", participants, streams);
}

function makeCall(part: Partial<ConversationView> = {}) {
  const view = new Store<ConversationView>({
    ...initialView,
    status: "connected",
    state: roomOf(3),
    ...part,
  });
  return {
    view,
    leave: vi.fn(),
    retryNow: vi.fn(),
    share: vi.fn(async () => undefined),
    unshare: vi.fn(async () => undefined),
    look: vi.fn(),
    attach: vi.fn(() => () => {}),
    send: vi.fn(async (): Promise<string | null> => null),
    openChat: vi.fn(),
    hint: vi.fn(() => () => {}),
  } satisfies Call;
}

function show(part: Partial<ConversationView> = {}) {
  const [call, devices] = [makeCall(part), makeDevices()];
  render(<CallScreen call={call} devices={devices} shareable />);
  return { call, devices };
}

beforeEach(() => vi.stubGlobal("ResizeObserver", DeskSized));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("call screen", () => {
  it("has a tile for everybody, with what is known of them", () => {
    show({ speaking: new Set(["p1"]) });
    const tile = screen.getByTestId("tile-p1");
    expect(tile.dataset).toMatchObject({ key: "self", speaking: "true", muted: "false" });
    expect(tile.getAttribute("aria-label")).toBe("Person 1, speaking");
    expect(screen.getByTestId("tile-p2").dataset).toMatchObject({ muted: "true", speaking: "false" });
    expect(screen.getByTestId("tile-p0").getAttribute("aria-label")).toBe("Person 0 (you), muted");
  });

  it("tells who was muted by a moderator from who muted themselves", () => {
    const state = roomOf(3);
    const streams = new Map(state.streams);
    for (const id of ["s0", "s1"]) streams.set(id, { ...(streams.get(id) as Stream), isAudioCensored: true });
    show({ state: { ...state, streams } });
    const [own, censored, muted] = ["p0", "p1", "p2"].map((id) => screen.getByTestId(`tile-${id}`));
    for (const tile of [own, censored]) {
      expect(tile?.querySelector("[data-sign=censored]")).toBeTruthy();
      expect(tile?.querySelector("[data-sign=muted]")).toBeNull();
      expect(tile?.getAttribute("aria-label")).toMatch(/, muted by a moderator$/);
    }
    expect(muted?.querySelector("[data-sign=muted]")).toBeTruthy();
    expect(muted?.querySelector("[data-sign=censored]")).toBeNull();
    expect(screen.getByTestId("mic").getAttribute("aria-label")).toMatch(/, muted by a moderator$/);
  });

  it("says that the call is recorded, while it is", () => {
    const { call } = show();
    expect(screen.queryByTestId("recording")).toBeNull();
    act(() => call.view.patch({ state: { ...roomOf(3), recording: true } }));
    expect(screen.getByTestId("recording").textContent).toBe("Recording");
    act(() => call.view.patch({ status: "waiting" }));
    expect(screen.queryByTestId("recording")).toBeNull();
  });

  it("shows sixteen on a page and the rest on the next", () => {
    show({ state: roomOf(18) });
    expect(screen.getAllByTestId(/^tile-/)).toHaveLength(16);
    fireEvent.click(screen.getByLabelText("Next page"));
    expect(screen.getAllByTestId(/^tile-/)).toHaveLength(2);
  });

  it("obeys the keys", () => {
    const { call, devices } = show();
    fireEvent.keyDown(document.body, { key: "m" });
    expect(devices.setMicrophone).toHaveBeenLastCalledWith(true);
    fireEvent.keyDown(document.body, { key: "p" });
    expect(screen.getByText("3 people are here.")).toBeTruthy();
    fireEvent.keyDown(document.body, { key: "l" });
    expect(call.leave).not.toHaveBeenCalled();
    fireEvent.click(screen.getByText("Leave"));
    expect(call.leave).toHaveBeenCalledOnce();
  });

  it("talks while Space is held", () => {
    const { devices } = show();
    fireEvent.keyDown(document.body, { key: " " });
    fireEvent.keyDown(document.body, { key: " ", repeat: true });
    fireEvent.keyUp(document.body, { key: " " });
    expect(devices.setMicrophone.mock.calls).toEqual([[true], [false]]);
  });

  it("sends to everybody or to one, with Enter", async () => {
    const { call } = show();
    fireEvent.click(screen.getByTestId("chat"));
    const input = screen.getByTestId("chat-input");
    fireEvent.change(input, { target: { value: "hello" } });
    await act(async () => fireEvent.keyDown(input, { key: "Enter" }));
    expect(call.send).toHaveBeenLastCalledWith("hello", null);
    expect((input as HTMLTextAreaElement).value).toBe("");

    fireEvent.change(screen.getByTestId("chat-recipient"), { target: { value: "p2" } });
    fireEvent.change(input, { target: { value: "psst" } });
    call.send.mockResolvedValueOnce("This person has left.");
    await act(async () => fireEvent.click(screen.getByTestId("chat-send")));
    expect(call.send).toHaveBeenLastCalledWith("psst", "p2");
    expect(screen.getByRole("alert").textContent).toBe("This person has left.");
    expect((input as HTMLTextAreaElement).value).toBe("psst");
  });

  it("says what is wrong and what happens by itself", () => {
    const { call } = show({ status: "waiting", retry: { attempt: 1, at: Date.now() + 2_500, lost: true } });
    expect(screen.getByTestId("banner").textContent).toContain("Connection lost.Trying again in 3 s");
    fireEvent.click(screen.getByText("Try now"));
    expect(call.retryNow).toHaveBeenCalledOnce();
    expect(screen.getByText("Check the connection").getAttribute("href")).toMatch(/^\/connectivity/);
  });

  it("counts unread messages in words", () => {
    show({ chat: { ...initialView.chat, unread: 3 } });
    expect(screen.getByTestId("chat").getAttribute("aria-label")).toBe("Chat, 3 unread");
  });
});

describe("join page", () => {
  it("joins with Enter under the name, or as Guest", () => {
    const onJoin = vi.fn();
    render(<JoinPage devices={makeDevices()} name="" onJoin={onJoin} />);
    const name = screen.getByTestId("join-name");
    fireEvent.submit(name.closest("form") as HTMLFormElement);
    expect(onJoin).toHaveBeenLastCalledWith("Guest");
    fireEvent.change(name, { target: { value: " Ana " } });
    fireEvent.click(screen.getByTestId("join-button"));
    expect(onJoin).toHaveBeenLastCalledWith("Ana");
    expect(screen.getByText("Check the connection").getAttribute("href")).toMatch(/^\/connectivity/);
  });

  it("says where a refusal is taken back", () => {
    const devices = makeDevices();
    devices.view.patch({ camera: { ...off, trouble: "refused" } });
    render(<JoinPage devices={devices} name="Ana" onJoin={() => undefined} />);
    expect(screen.getByTestId("error").textContent).toContain("Camera is blocked");
    fireEvent.click(screen.getByText("Try again"));
    expect(devices.retry).toHaveBeenCalledWith("camera");
  });

  it("says once what both devices suffer from", () => {
    const devices = makeDevices();
    devices.view.patch({
      camera: { ...off, trouble: "insecure" },
      microphone: { ...off, trouble: "insecure" },
    });
    render(<JoinPage devices={devices} name="Ana" onJoin={() => undefined} />);
    expect(screen.getAllByText("Cameras and microphones need HTTPS or localhost")).toHaveLength(1);
    expect(screen.queryByText("Try again")).toBeNull();
  });
});
