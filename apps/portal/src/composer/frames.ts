import { useEffect, useMemo, useReducer } from "react";
import type { Part } from "../playback/score";

/** How many files are open at once for their frames. Those used longest ago are closed. */
const mostOpen = 25;
/** A moment is as good as another so many seconds away. */
const sameMoment = 0.02;

/** Decodes single frames of recordings with the browser's own players, which nobody sees. */
export class Frames {
  readonly #players = new Map<string, HTMLVideoElement>();

  constructor(private readonly changed: () => void) {}

  /** Shows the moment in each of these recordings; changed says when a frame is there. */
  show(parts: Part[], at: number): void {
    for (const part of parts.filter(({ address }) => address !== "").slice(0, mostOpen)) {
      const player = this.#players.get(part.id) ?? this.#open(part);
      this.#players.delete(part.id); // and to the end, where the latest are
      this.#players.set(part.id, player);
      const moment = Math.max(0, at - part.from);
      if (Math.abs(player.currentTime - moment) > sameMoment) player.currentTime = moment;
    }
    for (const [id, player] of [...this.#players].slice(0, Math.max(0, this.#players.size - mostOpen))) {
      this.#players.delete(id);
      shut(player);
    }
  }

  /** The frame of a recording as it stands; undefined until there is one. */
  of(part: Part): HTMLVideoElement | undefined {
    const player = this.#players.get(part.id);
    return player && player.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? player : undefined;
  }

  /** Whether the recording cannot be decoded here. */
  isBroken(part: Part): boolean {
    return Boolean(this.#players.get(part.id)?.error);
  }

  close(): void {
    for (const player of this.#players.values()) shut(player);
    this.#players.clear();
  }

  #open(part: Part): HTMLVideoElement {
    const player = document.createElement("video");
    player.muted = true;
    player.preload = "auto";
    for (const event of ["loadeddata", "seeked", "error"]) player.addEventListener(event, this.changed);
    player.src = part.address;
    return player;
  }
}

function shut(player: HTMLVideoElement): void {
  player.removeAttribute("src");
  player.load();
}

/** Frames that are closed with the component. The number changes whenever there are others. */
export function useFrames(): [frames: Frames, count: number] {
  const [count, redraw] = useReducer((n: number) => n + 1, 0);
  const frames = useMemo(() => new Frames(redraw), []);
  useEffect(() => () => frames.close(), [frames]);
  return [frames, count];
}
