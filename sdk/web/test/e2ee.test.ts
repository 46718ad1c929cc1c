import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clearBytes, deriveKey, KeyRing, seal, unseal } from "../src/e2ee/cipher.js";
import { Encryption } from "../src/index.js";
import { audioTrack, FakePeerConnection, videoTrack } from "./fakes/media.js";
import {
  connectedRoom,
  expectCode,
  FakeServer,
  installBrowser,
  openRoom,
  removeBrowser,
  roomId,
  settle,
} from "./fakes/server.js";

const secret = (fill: number) => new Uint8Array(32).fill(fill);
const frame = (...bytes: number[]) => Uint8Array.from(bytes).buffer;
const bytesOf = (buffer: ArrayBuffer | undefined) => buffer && [...new Uint8Array(buffer)];

async function ringOf(...keys: [index: number, fill: number][]): Promise<KeyRing> {
  const ring = new KeyRing();
  for (const [index, fill] of keys) ring.set(index, await deriveKey(secret(fill)), true);
  return ring;
}

describe("a frame", () => {
  const plain = frame(...Array.from({ length: 50 }, (_, at) => at));

  it.each([0, 1, 3, 10, 50, 99])("is sealed but for its first %i bytes, and opened", async (clear) => {
    const ring = await ringOf([5, 1]);
    const sealed = (await seal(plain, clear, ring)) as ArrayBuffer;
    const open = Math.min(clear, 50);
    expect(bytesOf(sealed)?.slice(0, open)).toEqual(bytesOf(plain)?.slice(0, open));
    expect(sealed.byteLength).toBe(50 + 16 + 12 + 2);
    if (open < 40) expect(bytesOf(sealed)?.slice(open, 50)).not.toEqual(bytesOf(plain)?.slice(open));
    expect(bytesOf(await unseal(sealed, ring))).toEqual(bytesOf(plain));
  });

  it("never looks the same twice", async () => {
    const ring = await ringOf([0, 1]);
    expect(bytesOf(await seal(plain, 1, ring))).not.toEqual(bytesOf(await seal(plain, 1, ring)));
  });

  it("is not opened after any change, however small", async () => {
    const ring = await ringOf([0, 1]);
    const sealed = new Uint8Array((await seal(plain, 3, ring)) as ArrayBuffer);
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await unseal(changed.buffer, ring), `byte ${at}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(await unseal(sealed.slice(0, length).buffer, ring), `${length} bytes`).toBeUndefined();
    }
  });

  it("is opened by the key it was sealed with, after a newer one came", async () => {
    const ring = await ringOf([0, 1]);
    const old = (await seal(plain, 1, ring)) as ArrayBuffer;
    ring.set(1, await deriveKey(secret(2)), false);
    expect(ring.current?.index).toBe(0);
    ring.set(1, await deriveKey(secret(2)), true);
    const fresh = (await seal(plain, 1, ring)) as ArrayBuffer;
    expect(new Uint8Array(fresh).at(-2)).toBe(1);
    expect(bytesOf(await unseal(old, ring))).toEqual(bytesOf(plain));
    expect(await unseal(fresh, await ringOf([0, 1]))).toBeUndefined();
    expect(await unseal(fresh, await ringOf([1, 3]))).toBeUndefined();
  });

  it("is not sent without a key", async () => {
    expect(await seal(plain, 1, new KeyRing())).toBeUndefined();
  });

  it("keeps the header of VP8 readable", () => {
    expect([clearBytes("video", true), clearBytes("video", false), clearBytes("audio", false)]).toEqual([
      10, 3, 1,
    ]);
  });
});

describe("a room", () => {
  class FakeTransform {
    static all: FakeTransform[] = [];
    constructor(
      readonly worker: unknown,
      readonly options: { operation: string; kind: string },
    ) {
      FakeTransform.all.push(this);
    }
  }
  class FakeWorker extends EventTarget {
    readonly orders: unknown[] = [];
    postMessage(order: unknown): void {
      this.orders.push(order);
    }
  }
  let worker: FakeWorker;
  let server: FakeServer;
  const encryption = () => new Encryption(worker as unknown as Worker);

  beforeEach(() => {
    installBrowser();
    FakeTransform.all = [];
    vi.stubGlobal("RTCRtpScriptTransform", FakeTransform);
    worker = new FakeWorker();
    server = new FakeServer();
  });
  afterEach(removeBrowser);

  it("protects every line, and sends VP8", async () => {
    const room = await connectedRoom({ encryption: encryption() });
    await room.addStream("self", { audio: audioTrack(), video: videoTrack() });
    await settle();
    const { transceivers } = FakePeerConnection.all.at(-1) as FakePeerConnection;
    const protectedBy = transceivers.map(({ direction, sender, receiver }) => {
      const { transform } = (direction === "sendonly" ? sender : receiver) as unknown as {
        transform: FakeTransform;
      };
      return [direction, transform.options.operation, transform.worker === worker];
    });
    expect(protectedBy.length).toBeGreaterThanOrEqual(4);
    for (const [direction, operation, isOurs] of protectedBy) {
      expect(operation).toBe(direction === "sendonly" ? "seal" : "unseal");
      expect(isOurs).toBe(true);
    }
    const picture = transceivers.find(({ kind, direction }) => kind === "video" && direction === "sendonly");
    expect(picture?.codecs[0]?.mimeType).toBe("video/VP8");
    const sound = transceivers.find(({ kind, direction }) => kind === "audio" && direction === "sendonly");
    expect(sound?.codecs.map(({ mimeType }) => mimeType)).not.toContain("audio/red");
    expect(sound?.codecs).not.toEqual([]);
    const h264 = { track: videoTrack(), options: { codec: "h264" as const } };
    await expectCode(room.addStream("other", { video: h264 }), "not_supported");
    expect(server.socket.requests("publish")).toHaveLength(1);
  });

  it("that is encrypted from end to end publishes nothing without a secret", async () => {
    server.hello = { room: { id: roomId, max_participants: 10, e2ee: true } };
    const bare = await connectedRoom();
    await expectCode(bare.addStream("self", { audio: audioTrack() }), "encryption_required");
    const e2ee = encryption();
    const room = await connectedRoom({ encryption: e2ee });
    await expectCode(room.addStream("self", { audio: audioTrack() }), "encryption_required");
    e2ee.setSecret(0, secret(1), { current: false });
    await expectCode(room.addStream("self", { audio: audioTrack() }), "encryption_required");
    expect(server.received.filter(({ type }) => type === "publish")).toEqual([]);
    e2ee.setSecret(0, secret(1));
    await room.addStream("self", { audio: audioTrack() });
    expect(server.socket.requests("publish")).toHaveLength(1);
  });

  it("publishes nothing in the clear in a room that is encrypted when it comes back", async () => {
    const room = await connectedRoom({ reconnect: true });
    await room.addStream("self", { audio: audioTrack() });
    server.hello = { room: { id: roomId, max_participants: 10, e2ee: true } };
    server.resumes = null;
    const causes: unknown[] = [];
    room.on("error", ({ cause }) => causes.push((cause as { code?: string }).code));
    server.socket.drop(1006);
    await settle();
    expect(room.getState().status).toBe("connected");
    expect(server.socket.requests("publish")).toEqual([]);
    expect(room.getLocalStreams()).toEqual({});
    expect(causes).toEqual(["encryption_required"]);
  });

  it("without it protects nothing", async () => {
    const room = await connectedRoom();
    await room.addStream("self", { audio: audioTrack() });
    expect(FakeTransform.all).toEqual([]);
  });

  it("takes secrets, and tells what cannot be opened", () => {
    const e2ee = encryption();
    const heard: string[] = [];
    const stop = e2ee.onUnreadable((kind) => heard.push(kind));
    e2ee.setSecret(3, secret(1));
    e2ee.setSecret(4, secret(2), { current: false });
    expect(worker.orders).toMatchObject([
      { index: 3, current: true },
      { index: 4, current: false },
    ]);
    const word = () =>
      worker.dispatchEvent(new MessageEvent("message", { data: { type: "unreadable", kind: "audio" } }));
    word();
    stop();
    word();
    expect(heard).toEqual(["audio"]);
  });

  it("checks what it is given", async () => {
    const refused = expect.objectContaining({ code: "invalid_argument" });
    for (const index of [-1, 16, 0.5, Number.NaN]) {
      expect(() => encryption().setSecret(index, secret(1))).toThrow(refused);
    }
    expect(() => encryption().setSecret(0, new Uint8Array(15))).toThrow(refused);
    expect(() => encryption().setSecret(0, "a password" as never)).toThrow(refused);
    expect(() => new Encryption("worker.js" as never)).toThrow(refused);
    await expectCode(openRoom({ encryption: {} as never }), "invalid_argument");
    vi.stubGlobal("RTCRtpScriptTransform", undefined);
    expect(encryption).toThrow(expect.objectContaining({ code: "not_supported" }));
  });
});
