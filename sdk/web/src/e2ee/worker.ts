/** The worker of end-to-end encryption: a bundle of its own, `@rotunda/video/e2ee-worker`. */
import { clearBytes, deriveKey, KeyRing, seal, unseal } from "./cipher.js";

/** What a room tells the worker. */
export type WorkerOrder = { type: "key"; index: number; secret: Uint8Array; current: boolean };

/** What the worker tells the room, at most once a second and line. */
export type WorkerWord = { type: "unreadable"; kind: "audio" | "video" };

/** What a line is to be: told along with its transform. */
export interface LineOptions {
  operation: "seal" | "unseal";
  kind: "audio" | "video";
}

interface Transformer {
  readable: ReadableStream<Frame>;
  writable: WritableStream<Frame>;
  options: LineOptions;
}

interface Frame {
  data: ArrayBuffer;
  type?: "key" | "delta" | "empty";
}

const COMPLAIN_EVERY = 1_000;
const ring = new KeyRing();

/** Orders take effect one after another, and frames after those that came before them. */
let ordered: Promise<void> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<WorkerOrder>) => {
  ordered = ordered.then(async () => ring.set(data.index, await deriveKey(data.secret), data.current));
});

addEventListener("rtctransform", (event) => {
  const { readable, writable, options } = (event as unknown as { transformer: Transformer }).transformer;
  const transform = options.operation === "seal" ? sealing(options) : unsealing(options);
  // The line's end ends the pipe; that is no failure.
  readable
    .pipeThrough(transform)
    .pipeTo(writable)
    .catch(() => {});
});

function sealing({ kind }: LineOptions): TransformStream<Frame, Frame> {
  return new TransformStream({
    async transform(frame, controller) {
      await ordered;
      const sealed = await seal(frame.data, clearBytes(kind, frame.type === "key"), ring);
      // Without a key nothing is sent.
      if (!sealed) return;
      frame.data = sealed;
      controller.enqueue(frame);
    },
  });
}

function unsealing({ kind }: LineOptions): TransformStream<Frame, Frame> {
  let complained = Number.NEGATIVE_INFINITY;
  return new TransformStream({
    async transform(frame, controller) {
      await ordered;
      const opened = await unseal(frame.data, ring);
      if (opened) {
        frame.data = opened;
        controller.enqueue(frame);
      } else if (performance.now() - complained > COMPLAIN_EVERY) {
        complained = performance.now();
        postMessage({ type: "unreadable", kind } satisfies WorkerWord);
      }
    },
  });
}
