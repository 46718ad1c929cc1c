import { RoomError } from "./errors.js";
import type { Publisher } from "./publisher.js";
import type { Session } from "./session.js";
import type { State, TrackKind } from "./state.js";

/** Switches off the kinds of local streams whose tracks end by themselves, so that the others see no picture that stands still. */
export function watchEndedTracks(session: Session, publisher: Publisher): void {
  /** By key and kind: one track may be published under several keys. */
  const watched = new Map<string, { track: MediaStreamTrack; unwatch: () => void }>();

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
    watched.set(`${kind} ${key}`, { track, unwatch: () => track.removeEventListener("ended", listener) });
    if (track.readyState === "ended") listener();
  };

  const look = ({ streams }: State) => {
    const here = new Set<string>();
    for (const { origin, key, isConfigured, audioTrack, videoTrack } of streams.values()) {
      if (origin !== "local" || !isConfigured) continue;
      for (const [kind, track] of [
        ["audio", audioTrack],
        ["video", videoTrack],
      ] as const) {
        const place = `${kind} ${key}`;
        const before = watched.get(place);
        if (track) here.add(place);
        if (!track || before?.track === track) continue;
        before?.unwatch();
        watch(key, kind, track);
      }
    }
    for (const [place, { unwatch }] of watched) {
      if (here.has(place)) continue;
      unwatch();
      watched.delete(place);
    }
  };

  session.watch(look);
  session.onEnd(() => {
    for (const { unwatch } of watched.values()) unwatch();
    watched.clear();
  });
}
