import type { VideoCodec } from "../options.js";
import type { TrackKind } from "../state.js";

/** What takes the place of a codec that the browser cannot send. */
const substitutes: Record<VideoCodec, VideoCodec | undefined> = {
  av1: "vp9",
  vp9: "vp8",
  h264: "vp8",
  vp8: undefined,
};

/**
 * What servers forward. Left alone, browsers name every codec they know in every line, 6 kB for each stream: the offer of
 * somebody in a full room would be larger than servers take.
 */
function isForwarded({ mimeType, sdpFmtpLine = "" }: RTCRtpCodec): boolean {
  switch (mimeType.toLowerCase()) {
    case "audio/opus":
    case "audio/red":
    case "video/vp8":
    case "video/rtx":
      return true;
    case "video/h264":
      return /packetization-mode=1/.test(sdpFmtpLine);
    case "video/vp9":
      return !/profile-id=[^0]/.test(sdpFmtpLine);
    case "video/av1":
      return !/profile=[^0]/.test(sdpFmtpLine);
  }
  return false;
}

/** What the browser receives of a kind that servers forward; empty if it does not tell. */
export function received(kind: TrackKind): RTCRtpCodec[] {
  const kept = (globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? []).filter(isForwarded);
  return kept.some(({ mimeType }) => !/(rtx|red)$/i.test(mimeType)) ? kept : [];
}

/** The codec that is sent where this one is preferred: itself, or what takes its place. */
export function sendable(codec: VideoCodec | undefined): VideoCodec | undefined {
  if (!codec || sent().some((known) => is(known, codec))) return codec;
  return sendable(substitutes[codec]);
}

/** All codecs the browser sends, this one first. */
export function preferring(codec: VideoCodec): RTCRtpCodec[] {
  const all = sent();
  return [...all.filter((known) => is(known, codec)), ...all.filter((known) => !is(known, codec))];
}

/** Whether the sizes of a picture are spatial layers of one stream, and not streams of their own. */
export function isScalable(codec: VideoCodec | undefined): boolean {
  return codec === "vp9" || codec === "av1";
}

/**
 * Has a video line carry the dependency descriptor, without which servers cannot tell the layers of AV1 apart. Browsers do not
 * offer it by themselves.
 */
export function describeFrames(transceiver: RTCRtpTransceiver): void {
  const described = transceiver as RTCRtpTransceiver & HeaderExtensions;
  const extensions = described.getHeaderExtensionsToNegotiate?.();
  const found = extensions?.find(({ uri }) => /#dependency-descriptor-rtp-header-extension$/.test(uri));
  if (!extensions || !found || found.direction === "sendrecv") return;
  found.direction = "sendrecv";
  described.setHeaderExtensionsToNegotiate?.(extensions);
}

/** Of webrtc-extensions, section 5.1; not every browser has it. */
interface HeaderExtensions {
  getHeaderExtensionsToNegotiate?(): { uri: string; direction: RTCRtpTransceiverDirection }[];
  setHeaderExtensionsToNegotiate?(extensions: { uri: string; direction: RTCRtpTransceiverDirection }[]): void;
}

/** What the browser sends of a kind. */
function sent(kind: TrackKind = "video"): RTCRtpCodec[] {
  return globalThis.RTCRtpSender?.getCapabilities?.(kind)?.codecs ?? [];
}

/** All codecs of sound the browser sends but RED. */
export function withoutRed(): RTCRtpCodec[] {
  return sent("audio").filter(({ mimeType }) => mimeType.toLowerCase() !== "audio/red");
}

function is({ mimeType }: RTCRtpCodec, codec: VideoCodec): boolean {
  return mimeType.toLowerCase() === `video/${codec}`;
}
