import { VideoTrack } from "@rotunda/react";
import { useEffect, useState } from "react";

interface Props {
  track: MediaStreamTrack;
  mirrored?: boolean;
  /** `cover` crops to fill, for faces; `contain` shows all, for screens. */
  fit?: "cover" | "contain";
  label: string;
}

/** Draws a video track, silent; it is invisible before there is a picture and after the track ended. */
export function Video({ track, mirrored = false, fit = "cover", label }: Props) {
  const [shown, setShown] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another track has shown nothing yet
  useEffect(() => setShown(false), [track]);

  return (
    <VideoTrack
      track={track}
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
