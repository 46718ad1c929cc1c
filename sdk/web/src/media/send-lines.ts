import { RoomError } from "../errors.js";
import type { AudioPublishOptions, VideoCodec } from "../options.js";
import type { TrackKind } from "../state.js";
import type { OpusWishes } from "./audio-sdp.js";
import { describeFrames, isScalable, preferring, sendable, withoutRed } from "./codecs.js";
import type { MediaConnection } from "./connection.js";
import { encodingsFor, layerCount, layeredEncoding, sizeOf, withWanted } from "./layers.js";

/** How a line sends, fixed when it is opened. Streams can take over a line of the same shape only. */
export interface LineShape {
  kind: TrackKind;
  /** Sizes: simulcast layers, or spatial layers of VP9 and AV1. 1 without simulcast. */
  layers: 1 | 2 | 3;
  codec?: VideoCodec | undefined;
  /** Of audio. */
  opus?: OpusWishes & { red: boolean };
}

/** A line that sends, used by one stream after another. */
export interface SendLine {
  readonly shape: LineShape;
  readonly transceiver: RTCRtpTransceiver;
  /** How many sizes, from the smallest, somebody takes. Until the server says so, all may be wanted. */
  wanted?: number | undefined;
}

export function audioShape({ dtx, red, stereo }: AudioPublishOptions): LineShape {
  const opus = { dtx: dtx !== false, red: red !== false, stereo: stereo === true };
  return { kind: "audio", layers: 1, opus };
}

export function videoShape(
  track: MediaStreamTrack | undefined,
  options: { enableSimulcast?: boolean; codec?: VideoCodec },
): LineShape {
  const layers = options.enableSimulcast === true ? layerCount(sizeOf(track)) : 1;
  return { kind: "video", layers, codec: sendable(options.codec) };
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
    line.wanted = undefined;
    line.transceiver.direction = "sendonly";
    return line;
  }

  /** A new line, to be negotiated. */
  open(shape: LineShape, track: MediaStreamTrack | undefined, maxBitrate?: number): SendLine {
    const init: RTCRtpTransceiverInit = { direction: "sendonly" };
    if (shape.kind === "video") init.sendEncodings = encodings(shape, track, maxBitrate);
    else if (maxBitrate) init.sendEncodings = [{ maxBitrate }];
    const codec = shape.codec ?? (this.#media.isEncrypted && shape.kind === "video" ? "vp8" : undefined);
    if (this.#media.isEncrypted && codec !== undefined && codec !== "vp8") {
      throw new RoomError("not_supported", `end-to-end encryption sends VP8, not ${codec.toUpperCase()}`);
    }
    const transceiver = this.#media.addTransceiver(track ?? shape.kind, init);
    if (codec) transceiver.setCodecPreferences?.(preferring(codec));
    if (shape.opus) this.#openAudio(transceiver, shape.opus);
    else describeFrames(transceiver);
    return { shape, transceiver };
  }

  /** Frames that are encrypted cannot be taken out of RED again, so they are not put in. */
  #openAudio(transceiver: RTCRtpTransceiver, { red, ...wishes }: OpusWishes & { red: boolean }): void {
    if (!red || this.#media.isEncrypted) transceiver.setCodecPreferences?.(withoutRed());
    this.#media.wish(transceiver, wishes);
  }

  /** Gives a line back. It sends nothing from now on. */
  release(line: SendLine): void {
    // Browsers let nothing be done to the lines of a closed connection.
    if (line.transceiver.direction === "stopped") return;
    this.#idle.add(line);
    // One whose offer was refused keeps silent in the offers of others.
    if (!isNegotiated(line)) line.transceiver.direction = "inactive";
    // Fails only when the connection is being closed, and then nothing is sent anyway.
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
    if (line.shape.kind === "video" && track) await setEncodings(line, track, maxBitrate);
    if (line.shape.kind === "audio" && track) await setBitrate(sender, maxBitrate);
  } catch (error) {
    throw new RoomError("media_failed", `the browser does not send this ${line.shape.kind} track`, {
      cause: error,
    });
  }
}

async function setEncodings(line: SendLine, track: MediaStreamTrack, maxBitrate?: number): Promise<void> {
  const { shape, wanted = shape.layers } = line;
  const { sender } = line.transceiver;
  const parameters = sender.getParameters();
  // A browser without simulcast made one encoding of all; it keeps the largest.
  const all = encodings(shape, track, maxBitrate, wanted).slice(-parameters.encodings.length);
  const kept = isScalable(shape.codec) ? all : withWanted(all, wanted);
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

function encodings(
  { layers, codec }: LineShape,
  track: MediaStreamTrack | undefined,
  maxBitrate?: number,
  wanted: number = layers,
): RTCRtpEncodingParameters[] {
  const size = sizeOf(track);
  return isScalable(codec)
    ? [layeredEncoding(size, layers, wanted, maxBitrate)]
    : encodingsFor(size, layers, maxBitrate);
}
