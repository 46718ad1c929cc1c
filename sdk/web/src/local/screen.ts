import { RoomError } from "../errors.js";
import { captureFailure, requireCapture } from "./failures.js";

/** What to share. */
export interface ScreenOptions {
  /** Shares the sound of what is shown too, where the browser offers it: of tabs everywhere, of the whole system on some. True by default. */
  audio?: boolean;
  /** Bounds of the picture. By default up to 30 pictures a second, 15 if it can choose, in the size of what is shown. */
  video?: MediaTrackConstraints;
}

/** A shared screen, window or tab. */
export interface LocalScreen {
  /** The picture. It ends when the user stops sharing in the browser. */
  readonly video: MediaStreamTrack;
  /** Absent if the user or the browser gave no sound. */
  readonly audio?: MediaStreamTrack;
}

/** Asks the user what to share. Rejects with `permission_denied` if that is nothing, and with `not_supported` on phones. */
export async function captureScreen({ audio = true, video }: ScreenOptions = {}): Promise<LocalScreen> {
  requireCapture("getDisplayMedia");
  const wanted = {
    video: video ?? { frameRate: { ideal: 15, max: 30 } },
    // Speech filters would spoil the music of a film.
    audio: audio && { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    // Hints of newer browsers: offer the sound of the system, and let the user change what is shown.
    ...(audio && { systemAudio: "include" }),
    surfaceSwitching: "include",
  };
  let media: MediaStream;
  try {
    media = await navigator.mediaDevices.getDisplayMedia(wanted as DisplayMediaStreamOptions);
  } catch (cause) {
    throw captureFailure(cause, "screen");
  }
  const [picture] = media.getVideoTracks();
  const [sound] = media.getAudioTracks();
  if (!picture) throw new RoomError("media_failed", "the browser gave no picture of the screen");
  return { video: picture, ...(sound && { audio: sound }) };
}
