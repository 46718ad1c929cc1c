import type { Notice, Refusal, Replies, Requests } from "../../src/signal/frames.js";
import { mustBe, pascalCase } from "./schema.js";

type RequestFrame = { [T in keyof Requests]: { id: number; type: T } & Requests[T] }[keyof Requests];
type DistributedOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** A `WebSocket` whose other end is a test. */
export class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static all: FakeSocket[] = [];
  /** Decides what becomes of a new socket. */
  static onCreate: (socket: FakeSocket) => void = () => {};

  readyState: number = FakeSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** What the client sent, in order. */
  readonly sent: RequestFrame[] = [];
  closedWith: number | undefined;
  onRequest: (frame: RequestFrame) => void = () => {};
  /** The number of the last notice. */
  seq = 0;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
    FakeSocket.onCreate(this);
  }

  send(text: string): void {
    if (this.readyState !== FakeSocket.OPEN) throw new Error("InvalidStateError");
    const frame = JSON.parse(text) as RequestFrame;
    mustBe(`${pascalCase(frame.type)}Request`, frame);
    this.sent.push(frame);
    this.onRequest(frame);
  }

  close(code: number): void {
    if (this.readyState === FakeSocket.CLOSED) return;
    this.closedWith = code;
    this.readyState = FakeSocket.CLOSED;
  }

  /** The server accepts the connection. */
  accept(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  /** The server closes, or (1006) the connection is cut. */
  drop(code: number): void {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason: "" });
  }

  /** A frame of the protocol arrives. */
  deliver(frame: unknown): void {
    mustBe("ServerFrame", frame);
    this.deliverText(JSON.stringify(frame));
  }

  /** Anything at all arrives. */
  deliverText(data: unknown): void {
    this.onmessage?.({ data });
  }

  reply<T extends keyof Replies>(id: number, data: Replies[T]): void {
    const request = this.sent.find((frame) => frame.id === id);
    mustBe(`${pascalCase(request?.type ?? "")}Reply`, data);
    this.deliver({ type: "reply", re: id, data });
  }

  refuse(id: number, error: Refusal): void {
    this.deliver({ type: "error", re: id, error });
  }

  notice(notice: DistributedOmit<Notice, "seq">): void {
    const frame = { ...notice, seq: ++this.seq };
    mustBe(`${pascalCase(notice.type)}Notice`, frame);
    this.deliver(frame);
  }

  requests<T extends keyof Requests>(type: T): Extract<RequestFrame, { type: T }>[] {
    return this.sent.filter((frame) => frame.type === type) as Extract<RequestFrame, { type: T }>[];
  }
}
