import { afterEach, beforeEach, expect, vi } from "vitest";
import { type InitializeConfig, initialize, type Room } from "../../src/index.js";
import type {
  HelloReply,
  Notice,
  ParticipantFrame,
  Refusal,
  ResumeReply,
  SpeakersFrame,
  StreamFrame,
} from "../../src/signal/frames.js";
import {
  FakeAudio,
  FakeAudioContext,
  FakePeerConnection,
  FakeReceiver,
  FakeSender,
  FakeStream,
  FakeTrack,
} from "./media.js";
import { FakeSocket } from "./socket.js";

export const roomId = "11111111-1111-4111-8111-111111111111";
export const alice = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
export const bob = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

const time = "2026-01-02T03:04:05.000000Z";

export function participant(id: string, fields: Partial<ParticipantFrame> = {}): ParticipantFrame {
  return { id, receives_messages: true, joined_at: time, ...fields };
}

export function stream(id: string, owner: string, fields: Partial<StreamFrame> = {}): StreamFrame {
  const on = { enabled: true, censored: false };
  return { id, participant_id: owner, key: "self", audio: on, video: on, ...fields };
}

export const aliceStream = "a0a0a0a0-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
export const bobStream = "b0b0b0b0-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

/**
 * A small server of the protocol at the other end of a fake socket. It answers each request in the next task, like a real
 * one, unless a test takes the request over with `holds` or `refuses`.
 */
export class FakeServer {
  socket!: FakeSocket;
  participants: ParticipantFrame[] = [];
  streams: StreamFrame[] = [];
  hello: Partial<HelloReply> = {};
  /** Request types that get no answer. */
  readonly holds = new Set<string>();
  readonly refuses = new Map<string, Refusal & { close?: number }>();
  notDelivered: string[] = [];
  recording = false;
  speakers: SpeakersFrame = { streams: [], dominant: null };
  /** How it answers `resume`, beyond what is the same always; null: not resumable. */
  resumes: Partial<ResumeReply> | null = {};
  /** Frames that follow the reply to `resume`. */
  missed: unknown[] = [];
  /** The requests of all sockets that it took up. */
  readonly received: { id: number; type: string }[] = [];
  /** A moderator muted this client: what it publishes is censored from the start. */
  muted = false;
  #streams = 0;
  /** A pair of lines each; null for one that is free. */
  readonly #subscribed: (string | null)[] = [];
  #lines = 0;

  /** Opens a session, as the answer to the next `initialize`. */
  constructor() {
    FakeSocket.onCreate = (socket) => {
      this.socket = socket;
      socket.onRequest = (frame) => void Promise.resolve().then(() => this.#answer(socket, frame));
      setTimeout(() => socket.accept(), 0);
    };
  }

  get peer(): FakePeerConnection {
    return FakePeerConnection.all.at(-1) as FakePeerConnection;
  }

  notice(notice: Notice extends infer N ? (N extends Notice ? Omit<N, "seq"> : never) : never): void {
    this.socket.notice(notice);
  }

  #answer(socket: FakeSocket, frame: FakeSocket["sent"][number]): void {
    if (!["hello", "join", "resume", "ping"].includes(frame.type)) this.received.push(frame);
    if (this.holds.has(frame.type) || socket.readyState !== FakeSocket.OPEN) return;
    const refusal = this.refuses.get(frame.type);
    if (refusal) {
      const { close, ...error } = refusal;
      socket.refuse(frame.id, error);
      if (close) socket.drop(close);
      return;
    }
    if (frame.type === "resume" && this.resumes === null) {
      socket.refuse(frame.id, { code: "not_resumable", message: "no" });
      return;
    }
    const data = this.#data(frame);
    if (frame.type === "resume") socket.seq = (data as ResumeReply).seq;
    socket.reply(frame.id, data as never);
    if (frame.type === "resume") for (const late of this.missed.splice(0)) socket.deliver(late);
    if (frame.type === "publish" && this.muted) {
      const { stream_id } = data as { stream_id: string };
      const self = socket.requests("join")[0]?.participant_id as string;
      const audio = { enabled: true, censored: true };
      this.notice({ type: "stream_updated", stream: stream(stream_id, self, { key: frame.key, audio }) });
    }
    if (frame.type === "subscribe") this.#serve(frame.stream_id);
    if (frame.type === "unsubscribe") this.#stop(frame.stream_id);
    if (frame.type === "offer" || frame.type === "replace_media") this.#assign();
  }

  #data(frame: FakeSocket["sent"][number]): unknown {
    switch (frame.type) {
      case "hello":
        return {
          version: 1,
          room: { id: roomId, max_participants: 10 },
          ice_servers: [],
          grants: { publish: true, subscribe: true, send_messages: true },
          token_expires_at: inTenMinutes(),
          limits: { frame_bytes: 524288, message_bytes: 262144, context_bytes: 4096, streams: 16 },
          server: { version: "test" },
          ...this.hello,
        };
      case "join": {
        this.#subscribed.length = this.#lines = 0;
        const self = participant(frame.participant_id, {
          receives_messages: frame.receives_messages === true,
        });
        return {
          session_id: "5e551017-0000-4000-8000-000000000000",
          participant_id: frame.participant_id,
          participants: [...this.participants, self],
          streams: this.streams,
          recording: this.recording,
          speakers: this.speakers,
          resume: { secret: "secret", grace_secs: 15 },
        };
      }
      case "resume":
        return {
          seq: frame.seq,
          received: Math.max(0, ...this.received.map(({ id }) => id)),
          token_expires_at: inTenMinutes(),
          ice_servers: [],
          ...this.resumes,
        };
      case "publish": {
        const id = `c0c0c0c0-cccc-4ccc-8ccc-${String(++this.#streams).padStart(12, "0")}`;
        return { stream_id: id, ...(frame.sdp !== undefined && { sdp: "answer" }) };
      }
      case "offer":
      case "replace_media":
        return { sdp: "answer" };
      case "send_message":
      case "send_data":
        return { not_delivered: this.notDelivered };
      case "update_token":
        return { token_expires_at: inTenMinutes() };
      default:
        return {};
    }
  }

  #serve(streamId: string): void {
    // Changing a subscription moves no lines.
    if (this.#subscribed.includes(streamId)) return;
    const free = this.#subscribed.indexOf(null);
    this.#subscribed[free < 0 ? this.#subscribed.length : free] = streamId;
    this.#assign();
    if (this.#subscribed.length > this.#lines) {
      this.notice({ type: "lines_wanted", audio: this.#subscribed.length, video: this.#subscribed.length });
    }
  }

  #stop(streamId: string): void {
    this.#subscribed.splice(this.#subscribed.indexOf(streamId), 1, null);
    this.#assign();
  }

  /** Gives every subscribed stream a pair of the lines that were offered, in order. */
  #assign(): void {
    const open = this.peer.transceivers.filter((line) => line.direction === "recvonly" && line.mid !== null);
    const audio = open.filter((line) => line.kind === "audio");
    const video = open.filter((line) => line.kind === "video");
    this.#lines = Math.min(audio.length, video.length);
    const lines = this.#subscribed.slice(0, this.#lines).flatMap((stream_id, index) =>
      stream_id === null
        ? []
        : [
            { mid: audio[index]?.mid as string, stream_id, kind: "audio" as const },
            { mid: video[index]?.mid as string, stream_id, kind: "video" as const },
          ],
    );
    this.notice({ type: "receive", lines });
  }
}

/** What is in a room at first. */
type Contents = Partial<Pick<FakeServer, "hello" | "participants" | "streams">>;

/** The server of the test that runs. */
export let server: FakeServer;

/** Has a server with this in its room answer the next `initialize`, in place of the one before. */
export function startServer(room: Contents = {}): void {
  server = Object.assign(new FakeServer(), structuredClone(room));
}

/** Gives each test a browser, and a server with this in its room. */
export function withServer(room: Contents = {}): void {
  beforeEach(() => {
    installBrowser();
    startServer(room);
  });
  afterEach(removeBrowser);
}

function inTenMinutes(): string {
  return new Date(Date.now() + 600_000).toISOString().replace("Z", "000Z");
}

const pageListeners = new Map<string, Set<() => void>>();

/** Puts the fakes in place of the browser, with a clock that tests move. */
export function installBrowser(): void {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
  });
  for (const fake of [FakeSocket, FakePeerConnection, FakeAudioContext, FakeAudio]) fake.all = [];
  FakeTrack.clones = [];
  FakeAudioContext.held = false;
  FakeAudio.held = false;
  FakeAudio.outputs = new Set(["", "desk"]);
  pageListeners.clear();
  const addEventListener = (name: string, listener: () => void) => {
    pageListeners.set(name, (pageListeners.get(name) ?? new Set()).add(listener));
  };
  const removeEventListener = (name: string, listener: () => void) => {
    pageListeners.get(name)?.delete(listener);
  };
  vi.stubGlobal("addEventListener", addEventListener);
  vi.stubGlobal("removeEventListener", removeEventListener);
  vi.stubGlobal("document", { addEventListener, removeEventListener, hidden: false });
  vi.stubGlobal("location", { origin: "https://rooms.example" });
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("RTCPeerConnection", FakePeerConnection);
  vi.stubGlobal("RTCRtpSender", FakeSender);
  vi.stubGlobal("RTCRtpReceiver", FakeReceiver);
  vi.stubGlobal("AudioContext", FakeAudioContext);
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("Audio", FakeAudio);
  vi.stubGlobal("HTMLMediaElement", FakeAudio);
}

export function removeBrowser(): void {
  vi.useRealTimers();
  vi.unstubAllGlobals();
}

/** How many listeners the page has. */
export function pageListenerCount(): number {
  return [...pageListeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
}

export function firePageEvent(name: string): void {
  for (const listener of pageListeners.get(name) ?? []) listener();
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

export async function openRoom(config: Partial<InitializeConfig> = {}): Promise<Room> {
  const opening = initialize({ roomId, clientToken: "token", logLevel: "OFF", reconnect: false, ...config });
  // The caller hears of a rejection only after the clock moved.
  opening.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  return opening;
}

export async function connectedRoom(config: Partial<InitializeConfig> = {}): Promise<Room> {
  const room = await openRoom(config);
  await room.connect();
  await settle();
  return room;
}

/** Expects a rejection with a code. */
export async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: "RoomError", code });
}
