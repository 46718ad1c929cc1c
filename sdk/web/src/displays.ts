import { streamOf } from "./reducer.js";
import type { Session } from "./session.js";

/** How long a picture must have been smaller, or out of sight, until less of it is asked for, in milliseconds: people scroll. */
export const SHRINK_DELAY = 1_000;

/** How long after one change the next to a larger picture is told, in milliseconds: windows are dragged. The first is told at once. */
export const GROW_DELAY = 50;

/** Sizes are told in steps of so many pixels. */
const STEP = 16;

/** How a picture is shown: in device pixels, or not at all. */
export interface Shown {
  max_width?: number;
  max_height?: number;
  visible: boolean;
}

interface Display {
  readonly element: HTMLVideoElement;
  readonly participantId: string;
  readonly key: string;
  onScreen: boolean;
  track?: MediaStreamTrack | undefined;
}

/** Puts pictures of streams into elements, and watches how large each is seen. */
export class Displays {
  readonly #session: Session;
  readonly #changed: (streamId: string) => void;
  readonly #displays = new Map<HTMLVideoElement, Display>();
  /** What was last asked for, by stream. */
  readonly #told = new Map<string, Shown | undefined>();
  readonly #toldAt = new Map<string, number>();
  readonly #timers = new Map<string, { timer: ReturnType<typeof setTimeout>; at: number }>();
  readonly #sizes: ResizeObserver | undefined;
  readonly #places: IntersectionObserver | undefined;

  /** `changed` hears of streams that are shown otherwise than was last asked for. */
  constructor(session: Session, changed: (streamId: string) => void) {
    this.#session = session;
    this.#changed = changed;
    if (globalThis.ResizeObserver && globalThis.IntersectionObserver) {
      this.#sizes = new ResizeObserver((entries) => {
        for (const { target } of entries) this.#look(target as HTMLVideoElement);
      });
      this.#places = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
          const display = this.#displays.get(target as HTMLVideoElement);
          if (display) display.onScreen = isIntersecting;
          this.#look(target as HTMLVideoElement);
        }
      });
    }
    const lookAtAll = () => {
      for (const element of this.#displays.keys()) this.#look(element);
    };
    globalThis.document?.addEventListener("visibilitychange", lookAtAll);
    session.watch(() => this.#fill());
    session.onEnd(() => {
      globalThis.document?.removeEventListener("visibilitychange", lookAtAll);
      for (const element of [...this.#displays.keys()]) this.#detach(element);
      for (const { timer } of this.#timers.values()) clearTimeout(timer);
    });
  }

  /** Shows a stream in an element until the function that is returned is called. */
  attach(participantId: string, key: string, element: HTMLVideoElement): () => void {
    this.#detach(element);
    const display: Display = { element, participantId, key, onScreen: true };
    this.#displays.set(element, display);
    this.#fill();
    this.#sizes?.observe(element);
    this.#places?.observe(element);
    element.addEventListener("resize", this.#resized);
    this.#look(element);
    return () => {
      if (this.#displays.get(element) === display) this.#detach(element);
    };
  }

  /** How a stream is shown, to be asked for now; undefined if nobody can tell. */
  ask(streamId: string): Shown | undefined {
    const shown = this.#shown(streamId);
    this.#told.set(streamId, shown);
    this.#toldAt.set(streamId, performance.now());
    return shown;
  }

  /** The picture has another shape than before. */
  readonly #resized = (event: Event): void => this.#look(event.currentTarget as HTMLVideoElement);

  #detach(element: HTMLVideoElement): void {
    const display = this.#displays.get(element);
    if (!display) return;
    this.#displays.delete(element);
    this.#sizes?.unobserve(element);
    this.#places?.unobserve(element);
    element.removeEventListener("resize", this.#resized);
    element.srcObject = null;
    this.#lookAt(display);
  }

  /** Gives every element the track its stream has now. */
  #fill(): void {
    const { state } = this.#session;
    for (const display of this.#displays.values()) {
      const { element, participantId, key } = display;
      const track = streamOf(state, participantId, key)?.videoTrack;
      if (track === display.track) continue;
      display.track = track;
      element.srcObject = track ? new MediaStream([track]) : null;
      // Refused only without `muted` and before a gesture; the application sees that at the element.
      if (track) element.play()?.catch(() => {});
    }
    for (const id of this.#told.keys()) if (!state.streams.has(id)) this.#forget(id);
  }

  #look(element: HTMLVideoElement): void {
    const display = this.#displays.get(element);
    if (display) this.#lookAt(display);
  }

  #lookAt({ participantId, key }: Display): void {
    const stream = streamOf(this.#session.state, participantId, key);
    if (!stream || stream.origin === "local" || !this.#sizes) return;
    const before = this.#told.get(stream.id);
    const now = this.#shown(stream.id);
    const running = this.#timers.get(stream.id);
    if (isSame(before, now)) {
      clearTimeout(running?.timer);
      this.#timers.delete(stream.id);
      return;
    }
    const at = isLess(now, before)
      ? performance.now() + SHRINK_DELAY
      : Math.max((this.#toldAt.get(stream.id) ?? Number.NEGATIVE_INFINITY) + GROW_DELAY, performance.now());
    if (running && running.at <= at) return;
    clearTimeout(running?.timer);
    this.#timers.delete(stream.id);
    if (at <= performance.now()) this.#changed(stream.id);
    else
      this.#timers.set(stream.id, {
        timer: setTimeout(() => this.#tell(stream.id), at - performance.now()),
        at,
      });
  }

  #tell(streamId: string): void {
    this.#timers.delete(streamId);
    if (!isSame(this.#told.get(streamId), this.#shown(streamId))) this.#changed(streamId);
  }

  #forget(streamId: string): void {
    this.#told.delete(streamId);
    this.#toldAt.delete(streamId);
  }

  /** The largest of what all elements show of a stream. */
  #shown(streamId: string): Shown | undefined {
    const stream = this.#session.state.streams.get(streamId);
    if (!stream || !this.#sizes) return undefined;
    const displays = [...this.#displays.values()].filter(
      ({ participantId, key }) => participantId === stream.participantId && key === stream.key,
    );
    if (displays.length === 0) return undefined;
    const seen = displays.filter(isSeen).map(({ element }) => pixels(element));
    const width = Math.max(0, ...seen.map((size) => size.width));
    const height = Math.max(0, ...seen.map((size) => size.height));
    return width && height ? { max_width: width, max_height: height, visible: true } : { visible: false };
  }
}

function isSeen({ element, onScreen }: Display): boolean {
  const { document } = globalThis;
  return document.pictureInPictureElement === element || (onScreen && document.visibilityState !== "hidden");
}

/** The device pixels that the picture takes, which may be more than are seen of it or less than the element has. */
function pixels(element: HTMLVideoElement): { width: number; height: number } {
  let { width, height } = element.getBoundingClientRect();
  const { videoWidth, videoHeight } = element;
  if (videoWidth && videoHeight) {
    const { objectFit } = getComputedStyle(element);
    const scales = [width / videoWidth, height / videoHeight];
    const scale = objectFit === "cover" ? Math.max(...scales) : Math.min(...scales);
    if (objectFit !== "fill") [width, height] = [videoWidth * scale, videoHeight * scale];
  }
  const density = globalThis.devicePixelRatio || 1;
  const inSteps = (side: number) => Math.min(Math.ceil((side * density) / STEP) * STEP, 65_535);
  return { width: inSteps(width), height: inSteps(height) };
}

function isSame(one: Shown | undefined, other: Shown | undefined): boolean {
  return (
    one?.visible === other?.visible &&
    one?.max_width === other?.max_width &&
    one?.max_height === other?.max_height
  );
}

/** Whether less is shown than before. Where it is not known, it may be as large as can be. */
function isLess(now: Shown | undefined, before: Shown | undefined): boolean {
  if (!now || before?.visible === false) return false;
  if (!before || !now.visible) return true;
  return (now.max_width ?? 0) <= (before.max_width ?? 0) && (now.max_height ?? 0) <= (before.max_height ?? 0);
}
