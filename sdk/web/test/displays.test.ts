import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GROW_DELAY, SHRINK_DELAY } from "../src/displays.js";
import type { Room } from "../src/index.js";
import {
  alice,
  aliceStream,
  connectedRoom,
  FakeServer,
  firePageEvent,
  installBrowser,
  pageListenerCount,
  participant,
  removeBrowser,
  settle,
  stream,
} from "./fakes/server.js";

/** What watches elements in a browser, worked by hand. */
class FakeObserver {
  static all: FakeObserver[] = [];
  readonly watched = new Set<unknown>();
  constructor(readonly tell: (entries: { target: unknown; isIntersecting?: boolean }[]) => void) {
    FakeObserver.all.push(this);
  }
  observe(element: unknown): void {
    this.watched.add(element);
  }
  unobserve(element: unknown): void {
    this.watched.delete(element);
  }
}

class FakeVideo extends EventTarget {
  srcObject: { tracks: unknown[] } | null = null;
  videoWidth = 1280;
  videoHeight = 720;
  objectFit = "contain";
  constructor(
    public width: number,
    public height: number,
  ) {
    super();
  }
  getBoundingClientRect() {
    return { width: this.width, height: this.height };
  }
  async play() {}
  resize(width: number, height: number): void {
    [this.width, this.height] = [width, height];
    FakeObserver.all[0]?.tell([{ target: this }]);
  }
  scroll(isIntersecting: boolean): void {
    FakeObserver.all[1]?.tell([{ target: this, isIntersecting }]);
  }
}

let server: FakeServer;
let room: Room;
beforeEach(async () => {
  installBrowser();
  FakeObserver.all = [];
  vi.stubGlobal("ResizeObserver", FakeObserver);
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  vi.stubGlobal("getComputedStyle", ({ objectFit }: FakeVideo) => ({ objectFit }));
  server = new FakeServer();
  server.participants = [participant(alice)];
  server.streams = [stream(aliceStream, alice)];
  room = await connectedRoom({ mixedAudio: false });
});
afterEach(removeBrowser);

const attach = (video: FakeVideo) => room.attachVideo(alice, "self", video as never);
const told = () => server.socket.requests("update_subscription");
const pass = async (time: number) => {
  await vi.advanceTimersByTimeAsync(time);
  await settle();
};

describe("attachVideo", () => {
  it("shows the track whenever there is one", async () => {
    const video = new FakeVideo(320, 180);
    const detach = attach(video);
    expect(video.srcObject).toBeNull();
    await room.addSubscription(alice, "self", { audio: true, video: true });
    expect(video.srcObject?.tracks).toEqual([room.getParticipantStream(alice, "self")?.videoTrack]);
    detach();
    expect(video.srcObject).toBeNull();
    expect(FakeObserver.all.map(({ watched }) => watched.size)).toEqual([0, 0]);
  });

  it("subscribes at the size that is seen", async () => {
    vi.stubGlobal("devicePixelRatio", 2);
    attach(new FakeVideo(320, 500)); // the picture takes 320 x 180 of it
    await room.addSubscription(alice, "self", { audio: true, video: true, quality: "high" });
    expect(server.socket.requests("subscribe")).toMatchObject([
      { stream_id: aliceStream, quality: "high", max_width: 640, max_height: 368, visible: true },
    ]);
  });

  it("counts what is cropped", async () => {
    const video = new FakeVideo(320, 320);
    video.objectFit = "cover";
    attach(video);
    await room.addSubscription(alice, "self", { audio: true, video: true });
    expect(server.socket.requests("subscribe")).toMatchObject([{ max_width: 576, max_height: 320 }]);
  });

  it("asks for more at once, and for less when it has been so for a while", async () => {
    const video = new FakeVideo(320, 180);
    attach(video);
    await room.addSubscription(alice, "self", { audio: true, video: true });
    video.resize(640, 360);
    await pass(GROW_DELAY);
    expect(told()).toMatchObject([{ max_width: 640, max_height: 368, audio: true, video: true }]);
    video.resize(160, 90);
    await pass(SHRINK_DELAY - 1);
    expect(told()).toHaveLength(1);
    await pass(1);
    expect(told().slice(1)).toMatchObject([{ max_width: 160, max_height: 96 }]);
    video.scroll(false);
    await pass(SHRINK_DELAY / 2);
    video.scroll(true); // back again
    await pass(SHRINK_DELAY);
    expect(told()).toHaveLength(2);
    video.scroll(false);
    await pass(SHRINK_DELAY);
    expect(told().slice(2)).toMatchObject([{ visible: false }]);
    await pass(GROW_DELAY);
    video.scroll(true);
    await settle(); // it may have to be begun at the publisher, so nothing is waited for
    expect(told().slice(3)).toMatchObject([{ visible: true, max_width: 160 }]);
    video.resize(320, 180);
    await pass(GROW_DELAY - 1);
    expect(told()).toHaveLength(4);
    await pass(1);
    expect(told().slice(4)).toMatchObject([{ max_width: 320 }]);
  });

  it("asks for nothing while the page is hidden, and for the largest of several", async () => {
    const [small, large] = [new FakeVideo(160, 90), new FakeVideo(640, 360)];
    attach(small);
    const detach = attach(large);
    await room.addSubscription(alice, "self", { audio: true, video: true });
    expect(server.socket.requests("subscribe")).toMatchObject([{ max_width: 640 }]);
    detach();
    await pass(SHRINK_DELAY);
    expect(told()).toMatchObject([{ max_width: 160 }]);
    Object.assign(document, { visibilityState: "hidden" });
    firePageEvent("visibilitychange");
    await pass(SHRINK_DELAY);
    expect(told().slice(1)).toMatchObject([{ visible: false }]);
  });

  it("leaves what the application set alone, and nothing behind", async () => {
    const video = new FakeVideo(320, 180);
    attach(video);
    await room.addSubscription(alice, "self", { audio: true, video: true, maxWidth: 100, maxHeight: 50 });
    expect(server.socket.requests("subscribe")).toMatchObject([{ max_width: 100, max_height: 50 }]);
    video.resize(640, 360);
    await room.disconnect();
    expect(vi.getTimerCount()).toBe(0);
    expect(pageListenerCount()).toBe(0);
  });

  it("tells nothing in browsers that cannot tell", async () => {
    vi.stubGlobal("ResizeObserver", undefined);
    const other = await connectedRoom({ mixedAudio: false });
    other.attachVideo(alice, "self", new FakeVideo(320, 180) as never);
    await other.addSubscription(alice, "self", { audio: true, video: true });
    expect(server.socket.requests("subscribe")[0]).not.toHaveProperty("max_width");
  });
});
