import { RoomError } from "../errors.js";
import type { AudioPublishOptions } from "../options.js";
import type { TrackKind } from "../state.js";
import type { OpusWishes } from "./audio-sdp.js";
import type { MediaConnection } from "./connection.js";
import { encodingsFor, layerCount, sizeOf } from "./layers.js";

/** How a line sends, fixed when it is opened. Streams can take over a line of the same shape only. */
export interface LineShape {
  kind: TrackKind;
  /** Simulcast layers; 1 without simulcast. */
  layers: 1 | 2 | 3;
  codec?: "vp8" | "h264" | undefined;
  /** Of audio. */
  opus?: OpusWishes & { red: boolean };
}

/** A line that sends, used by one stream after another. */
export interface SendLine {
  readonly shape: LineShape;
  readonly transceiver: RTCRtpTransceiver;
}

export function audioShape({ dtx, red, stereo }: AudioPublishOptions): LineShape {
  const opus = { dtx: dtx !== false, red: red !== false, stereo: stereo === true };
  return { kind: "audio", layers: 1, opus };
}

export function videoShape(
  track: MediaStreamTrack | undefined,
  options: { enableSimulcast?: boolean; codec?: "vp8" | "h264" },
): LineShape {
  const layers = options.enableSimulcast === true ? layerCount(sizeOf(track)) : 1;
  return { kind: "video", layers, codec: options.codec };
}

/** The lines this client sends on. They are never closed: a stream that ends leaves its lines to the next. */
export class SendLines {
  readonly #media: MediaConnection;
  readonly #idle = new Set<SendLine>();

  constructor(media: MediaConnection) {
    this.#media = media;
  }

  /** An idle line of this shape, if there is one; it is the caller's until released. */
  take(shape: LineShape): SendLine | undefined {
    const fitting = [...this.#idle].filter((line) => sameShape(line.shape, shape));
    const line = fitting.find(isNegotiated) ?? fitting[0];
    if (!line) return undefined;
    this.#idle.delete(line);
    line.transceiver.direction = "sendonly";
    return line;
  }

  /** A new line, to be negotiated. */
  open(shape: LineShape, track: MediaStreamTrack | undefined, maxBitrate?: number): SendLine {
    const init: RTCRtpTransceiverInit = { direction: "sendonly" };
    if (shape.kind === "video") init.sendEncodings = encodingsFor(sizeOf(track), shape.layers, maxBitrate);
    else if (maxBitrate) init.sendEncodings = [{ maxBitrate }];
    const codecs = shape.codec ? codecOrder(shape.codec) : shape.opus?.red === false && withoutRed();
    const transceiver = this.#media.addTransceiver(track ?? shape.kind, init);
    if (codecs) transceiver.setCodecPreferences(codecs);
    if (shape.opus) this.#media.wish(transceiver, shape.opus);
    return { shape, transceiver };
  }

  /** Gives a line back. It sends nothing from now on. */
  release(line: SendLine): void {
    this.#idle.add(line);
    // One whose offer was refused keeps silent in the offers of others.
    if (!isNegotiated(line)) line.transceiver.direction = "inactive";
    // Fails only when the connection is closed, and then nothing is sent anyway.
    line.transceiver.sender.replaceTrack(null).catch(() => {});
  }
}

/** Whether the server knows the line as one that sends. */
export function isNegotiated(line: SendLine): boolean {
  return line.transceiver.currentDirection === "sendonly";
}

function sameShape(one: LineShape, other: LineShape): boolean {
  const opus = (shape: LineShape) => Object.values(shape.opus ?? {}).join();
  return (
    one.kind === other.kind &&
    one.layers === other.layers &&
    one.codec === other.codec &&
    opus(one) === opus(other)
  );
}

/** Sends another track, or nothing, over a line. */
export async function sendOver(
  line: SendLine,
  track: MediaStreamTrack | undefined,
  maxBitrate?: number,
): Promise<void> {
  const { sender } = line.transceiver;
  try {
    if (sender.track !== (track ?? null)) await sender.replaceTrack(track ?? null);
    if (line.shape.kind === "video" && track) await setEncodings(sender, line.shape, track, maxBitrate);
    if (line.shape.kind === "audio" && track) await setBitrate(sender, maxBitrate);
  } catch (error) {
    throw new RoomError("media_failed", `the browser does not send this ${line.shape.kind} track`, {
      cause: error,
    });
  }
}

async function setEncodings(
  sender: RTCRtpSender,
  shape: LineShape,
  track: MediaStreamTrack,
  maxBitrate?: number,
): Promise<void> {
  const parameters = sender.getParameters();
  const wanted = encodingsFor(sizeOf(track), shape.layers, maxBitrate);
  // A browser without simulcast made one encoding of all; it keeps the largest.
  const kept = wanted.slice(-parameters.encodings.length);
  parameters.encodings.forEach((encoding, index) => {
    const { rid: _, ...changeable } = kept[index] ?? {};
    Object.assign(encoding, changeable);
  });
  await sender.setParameters(parameters);
}

/** Limits the bits per second; without a limit it is the browser's choice. */
async function setBitrate(sender: RTCRtpSender, maxBitrate: number | undefined): Promise<void> {
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (!encoding || encoding.maxBitrate === maxBitrate) return;
  if (maxBitrate === undefined) delete encoding.maxBitrate;
  else encoding.maxBitrate = maxBitrate;
  await sender.setParameters(parameters);
}

/** All codecs of sound the browser sends but RED. */
function withoutRed(): RTCRtpCodec[] {
  const codecs = RTCRtpSender.getCapabilities("audio")?.codecs ?? [];
  return codecs.filter(({ mimeType }) => mimeType.toLowerCase() !== "audio/red");
}

/** All codecs the browser sends, those of one kind first. */
function codecOrder(codec: "vp8" | "h264"): RTCRtpCodec[] {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const isPreferred = (candidate: RTCRtpCodec) => candidate.mimeType.toLowerCase() === `video/${codec}`;
  const preferred = codecs.filter(isPreferred);
  if (preferred.length === 0) {
    throw new RoomError("not_supported", `this browser cannot send ${codec.toUpperCase()}`);
  }
  return [...preferred, ...codecs.filter((candidate) => !isPreferred(candidate))];
}
