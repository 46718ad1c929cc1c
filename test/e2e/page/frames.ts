/** What was seen of a video since the last look. */
export interface Flow {
  frames: number;
  /** The longest time without a new picture, in ms. */
  longestGap: number;
  /** Widths that were shown, in the order they came. */
  widths: number[];
}

/** Watches the pictures of a playing video. */
export class FrameWatch {
  readonly #video: HTMLVideoElement;
  #flow: Flow = { frames: 0, longestGap: 0, widths: [] };
  #last = performance.now();

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.#wait();
  }

  /** What came since the last call; the time since the last picture counts as a gap too. */
  take(): Flow {
    const flow = this.#flow;
    flow.longestGap = Math.max(flow.longestGap, performance.now() - this.#last);
    this.#flow = { frames: 0, longestGap: 0, widths: [] };
    return flow;
  }

  #wait(): void {
    this.#video.requestVideoFrameCallback((now, { width }) => {
      const flow = this.#flow;
      flow.frames++;
      flow.longestGap = Math.max(flow.longestGap, now - this.#last);
      if (flow.widths.at(-1) !== width) flow.widths.push(width);
      this.#last = now;
      this.#wait();
    });
  }
}
