import { useEffect, useRef, useState } from "react";

interface Props {
  track: MediaStreamTrack;
  mirrored?: boolean;
  /** `cover` crops to fill, for faces; `contain` shows all, for screens. */
  fit?: "cover" | "contain";
  label: string;
}

/** Draws a video track, silent; it is invisible before there is a picture and after the track ended. */
export function Video({ track, mirrored = false, fit = "cover", label }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  const [shown, setShown] = useState(false);

  useEffect(() => {
    const video = element.current;
    if (!video) return;
    setShown(false);
    video.srcObject = new MediaStream([track]);
    // Autoplay of muted video is allowed everywhere; a play that is interrupted by the next track needs no answer.
    void video.play()?.catch(() => undefined);
    return () => {
      video.srcObject = null;
    };
  }, [track]);

  return (
    <video
      ref={element}
      className="video"
      data-fit={fit}
      data-mirrored={mirrored}
      data-shown={shown}
      aria-label={label}
      muted
      playsInline
      autoPlay
      disablePictureInPicture={fit === "cover"}
      onLoadedData={() => setShown(true)}
      onEnded={() => setShown(false)}
    />
  );
}
