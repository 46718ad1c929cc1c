import { useState } from "react";
import { isExpired, ownAddress } from "../api/media";

/** Plays a file with the browser's own controls. onStale asks for a fresh link, because the one there is has expired. */
export function MediaPlayer({
  link,
  type,
  label,
  onStale,
}: {
  link: string;
  type: "audio" | "video";
  label: string;
  onStale: () => void;
}) {
  const [broken, setBroken] = useState("");
  const given = {
    src: ownAddress(link),
    controls: true,
    preload: "metadata",
    "aria-label": label,
    onError: () => (isExpired(link) ? onStale() : setBroken(link)),
  };
  return (
    <div className="player">
      {type === "video" ? <video {...given} playsInline /> : <audio {...given} />}
      {broken === link && (
        <p className="complaint" role="alert">
          This browser cannot play it. Download it and open it with a player such as VLC.
        </p>
      )}
    </div>
  );
}
