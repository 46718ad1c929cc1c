/** A picture's size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Bits per second that a picture of so many pixels deserves; between the rows in proportion. */
const bitrates: readonly (readonly [pixels: number, bitrate: number])[] = [
  [160 * 90, 60_000],
  [320 * 180, 150_000],
  [640 * 360, 600_000],
  [960 * 540, 1_200_000],
  [1280 * 720, 2_500_000],
  [1920 * 1080, 4_500_000],
  [3840 * 2160, 10_000_000],
];

/** What a camera that does not tell its size most likely is. */
const assumedSize: Size = { width: 1280, height: 720 };

/** Names of the simulcast layers, from the lowest to the highest. */
const rids = ["l", "m", "h"] as const;

export function sizeOf(track: MediaStreamTrack | undefined): Size {
  const { width, height } = track?.getSettings?.() ?? {};
  return width && height ? { width, height } : assumedSize;
}

/**
 * How many simulcast layers a picture can feed. Browsers never start the smallest layers of a small capture, and a
 * subscriber that waits for one of those sees nothing.
 */
export function layerCount(size: Size): 1 | 2 | 3 {
  const longer = Math.max(size.width, size.height);
  if (longer >= 960) return 3;
  return longer >= 480 ? 2 : 1;
}

export function bitrateFor(size: Size): number {
  const pixels = size.width * size.height;
  const above = bitrates.findIndex(([bound]) => bound >= pixels);
  if (above < 0) return (bitrates.at(-1) as readonly [number, number])[1];
  const [highPixels, highRate] = bitrates[above] as readonly [number, number];
  const [lowPixels, lowRate] = bitrates[above - 1] ?? [0, 0];
  const share = (pixels - lowPixels) / (highPixels - lowPixels);
  return Math.max(30_000, Math.round(lowRate + share * (highRate - lowRate)));
}

/** An encoding as browsers take it that know scalable video coding. */
export interface Encoding extends RTCRtpEncodingParameters {
  scalabilityMode?: string;
}

/** Pictures a second are in three layers, so that servers can leave some out. */
const temporalLayers = "T3";

/**
 * The one encoding of a scalable codec, with up to so many spatial layers, each half as large as the next. They are predicted from each
 * other in keyframes only, so that a subscriber is sent just the layer it sees. Of them the smallest `wanted` are sent.
 * `maxBitrate` limits all of them together.
 */
export function layeredEncoding(size: Size, lines: 1 | 2 | 3, wanted: number, maxBitrate?: number): Encoding {
  const all = Math.min(lines, layerCount(size));
  const layers = Math.max(1, Math.min(all, wanted));
  // Fewer layers leave out the largest; those that stay keep their size.
  const scale = 2 ** (all - layers);
  const rate = bitrateFor({ width: size.width / scale, height: size.height / scale });
  return {
    active: wanted > 0,
    maxBitrate: Math.min(rate, maxBitrate ?? rate),
    scaleResolutionDownBy: scale,
    scalabilityMode: `L${layers}${temporalLayers}${layers > 1 ? "_KEY" : ""}`,
  };
}

/** Leaves on only the smallest so many of the encodings that are on, listed from the smallest. */
export function withWanted(
  encodings: RTCRtpEncodingParameters[],
  wanted: number,
): RTCRtpEncodingParameters[] {
  let left = wanted;
  return encodings.map((encoding) => {
    const active = encoding.active !== false && left > 0;
    if (encoding.active !== false) left--;
    return { ...encoding, active };
  });
}

/**
 * The encodings of a video line of `lines` layers for a picture of a size: each half as large as the next. Layers that the
 * picture cannot feed are inactive. `maxBitrate` limits the largest one.
 */
export function encodingsFor(size: Size, lines: 1 | 2 | 3, maxBitrate?: number): RTCRtpEncodingParameters[] {
  if (lines === 1) return [{ active: true, maxBitrate: maxBitrate ?? bitrateFor(size) }];
  const active = Math.min(lines, layerCount(size));
  return rids.slice(-lines).map((rid, index) => {
    // How many layers are larger than this one.
    const halvings = lines - 1 - index;
    const scale = 2 ** halvings;
    const rate = bitrateFor({ width: size.width / scale, height: size.height / scale });
    return {
      rid,
      active: halvings < active,
      scaleResolutionDownBy: scale,
      maxBitrate: Math.min(rate, maxBitrate ?? rate),
    };
  });
}
