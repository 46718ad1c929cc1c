import { useEffect, useRef, useState } from "react";

interface Props {
  track: MediaStreamTrack;
  /** Puts the track into the element in a way of its own, and returns how to end that; or returns nothing and leaves it alone. */
  attach?: (video: HTMLVideoElement) => (() => void) | undefined;
  mirrored?: boolean;
  /** `cover` crops to fill, for faces; `contain` shows all, for screens. */
  fit?: "cover" | "contain";
  label: string;
}

/** Draws a video track, silent; it is invisible before there is a picture and after the track ended. */
export function Video({ track, attach, mirrored = false, fit = "cover", label }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  const [shown, setShown] = useState(false);

  useEffect(() => {
    const video = element.current;
    if (!video) return;
    setShown(false);
    const detach = attach?.(video);
    if (!detach) video.srcObject = new MediaStream([track]);
    // Autoplay of muted video is allowed everywhere; a play that is interrupted by the next track needs no answer.
    void video.play()?.catch(() => undefined);
    return () => {
      detach?.();
      video.srcObject = null;
    };
  }, [track, attach]);

  return (
    <video
      ref={element}
      autoPlay
      muted
      playsInline
      className="video"
      data-fit={fit}
      data-mirrored={mirrored}
      data-shown={shown}
      aria-label={label}
      disablePictureInPicture={fit === "cover"}
      onLoadedData={() => setShown(true)}
      onEnded={() => setShown(false)}
    />
  );
}
