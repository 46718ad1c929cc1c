type Colour = [red: number, green: number, blue: number];

/** What a video shows. */
export interface Picture {
  width: number;
  height: number;
  /** The mean colours of its left and right half, above and below the band in the middle. */
  left: Colour;
  right: Colour;
}

const grid = { width: 32, height: 18 };

/** Looks at what a playing video shows now; undefined before its first picture. */
export function look(video: HTMLVideoElement): Picture | undefined {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width || !height) return undefined;
  const canvas = new OffscreenCanvas(grid.width, grid.height);
  const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  context.drawImage(video, 0, 0, grid.width, grid.height);
  const { data } = context.getImageData(0, 0, grid.width, grid.height);
  const rows = [1, 2, 3, 14, 15, 16];
  const mean = (columns: number[]): Colour => {
    const sum: Colour = [0, 0, 0];
    for (const y of rows) {
      for (const x of columns) {
        for (const part of [0, 1, 2] as const) sum[part] += data[4 * (y * grid.width + x) + part] ?? 0;
      }
    }
    const count = rows.length * columns.length;
    return sum.map((total) => Math.round(total / count)) as Colour;
  };
  return { width, height, left: mean([3, 6, 9, 12]), right: mean([19, 22, 25, 28]) };
}

/** A playing, silent video element of these tracks. */
export function screenOf(track: MediaStreamTrack): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  document.body.append(video);
  // Resolves with the first picture, which may be long in coming.
  video.play().catch((error: unknown) => console.warn("a video does not play", error));
  return video;
}
