import { type ComponentPropsWithoutRef, useEffect, useRef } from "react";
import { useRoom } from "./context.js";
import { useAudioBlocked, useRoomState } from "./state.js";
import { useTrack } from "./streams.js";

/** What `VideoTrack` takes, besides everything a `<video>` does. */
export interface VideoTrackProps extends ComponentPropsWithoutRef<"video"> {
  /** Shows what this participant publishes. */
  participantId?: string;
  /** Under this key; `self` unless said otherwise. */
  streamKey?: string;
  /** Shows this track instead, such as the camera of `useLocalMedia`. */
  track?: MediaStreamTrack | undefined;
}

/**
 * A `<video>` with one video track, silent. Of a participant's, the server sends no larger picture than is seen, and none while it is out of
 * sight (`room.attachVideo`). It has no picture while the track is off: draw something behind it.
 */
export function VideoTrack({ track, ...props }: VideoTrackProps) {
  return track || props.participantId === undefined ? (
    <BareVideo track={track} {...withoutStream(props)} />
  ) : (
    <StreamVideo {...props} participantId={props.participantId} />
  );
}

/** The room puts the picture in, so that the server knows how large it is seen. */
function StreamVideo({
  participantId,
  streamKey = "self",
  ...props
}: VideoTrackProps & { participantId: string }) {
  const room = useRoom();
  const element = useRef<HTMLVideoElement>(null);
  const { isEnabled, isCensored } = useTrack(participantId, streamKey, "video");
  const isHere = useRoomState(({ status }) => status !== "initialized" && status !== "disconnected");
  const isShown = isHere && isEnabled && !isCensored;
  useEffect(() => {
    if (isShown && element.current) return room.attachVideo(participantId, streamKey, element.current);
  }, [room, participantId, streamKey, isShown]);
  return <video autoPlay muted playsInline {...props} ref={element} />;
}

function BareVideo({
  track,
  ...props
}: ComponentPropsWithoutRef<"video"> & { track: MediaStreamTrack | undefined }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video || !track) return;
    video.srcObject = new MediaStream([track]);
    // Silent video may always play; one that is interrupted by the next track needs no answer.
    video.play()?.catch(() => {});
    return () => {
      video.srcObject = null;
    };
  }, [track]);
  return <video autoPlay muted playsInline {...props} ref={element} />;
}

function withoutStream({ participantId: _, streamKey: __, ...props }: Omit<VideoTrackProps, "track">) {
  return props;
}

/** Plays everybody's sound while it is there. It draws nothing; one in a page is enough, beside a `StartAudio`. */
export function AudioRenderer(): null {
  const room = useRoom();
  useEffect(() => {
    room.setAudioPlayback(true);
    return () => room.setAudioPlayback(false);
  }, [room]);
  return null;
}

/** What a `<button>` takes. */
export type StartAudioProps = ComponentPropsWithoutRef<"button">;

/** A button that starts the sound; it is there only while the browser holds the sound back. */
export function StartAudio({ onClick, children = "Turn on sound", ...props }: StartAudioProps) {
  const room = useRoom();
  if (!useAudioBlocked()) return null;
  return (
    <button
      type="button"
      {...props}
      onClick={(event) => {
        // If the browser still refuses, the button stays.
        room.startAudio().catch(() => {});
        onClick?.(event);
      }}
    >
      {children}
    </button>
  );
}
