import { RoomError } from "./errors.js";
import type { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import type { State, TrackKind } from "./state.js";

/** Switches off the kinds of local streams whose tracks end by themselves, so that the others see no picture that stands still. */
export function watchEndedTracks(session: Session, publisher: Publisher): void {
  const watched = new Map<MediaStreamTrack, () => void>();

  const ended = async (key: string, kind: TrackKind, track: MediaStreamTrack) => {
    try {
      if (await publisher.trackEnded(key, kind, track)) session.tell("local_track_ended", key, kind);
    } catch (cause) {
      if (session.ending) return;
      const message = `${key}: the ${kind} that ended could not be switched off`;
      session.fail(cause instanceof RoomError ? cause : new RoomError("media_failed", message, { cause }));
    }
  };

  const watch = (key: string, kind: TrackKind, track: MediaStreamTrack) => {
    const listener = () => void ended(key, kind, track);
    track.addEventListener("ended", listener);
    watched.set(track, () => track.removeEventListener("ended", listener));
    if (track.readyState === "ended") listener();
  };

  const look = ({ streams }: State) => {
    const here = new Set<MediaStreamTrack>();
    for (const { origin, key, isConfigured, audioTrack, videoTrack } of streams.values()) {
      if (origin !== "local" || !isConfigured) continue;
      for (const [kind, track] of [
        ["audio", audioTrack],
        ["video", videoTrack],
      ] as const) {
        if (!track) continue;
        here.add(track);
        if (!watched.has(track)) watch(key, kind, track);
      }
    }
    for (const [track, unwatch] of watched) {
      if (here.has(track)) continue;
      unwatch();
      watched.delete(track);
    }
  };

  session.watch(look);
  session.onEnd(() => {
    for (const unwatch of watched.values()) unwatch();
    watched.clear();
  });
}
