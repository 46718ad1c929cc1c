import { useEffect, useRef, useState } from "react";
import { isExpired } from "../api/media";
import type { Ensemble } from "./Ensemble";
import type { Part } from "./score";

interface Props {
  part: Part;
  ensemble: Ensemble;
  /** Asks for fresh addresses: those there are have expired. */
  onStale: () => void;
}

/** Has a media element play a part in its ensemble. */
function usePart({ part, ensemble, onStale }: Props) {
  const element = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const player = element.current;
    if (player) return ensemble.add(part, player);
  }, [part, ensemble]);
  const onError = () => {
    if (isExpired(part.address)) onStale();
    else setBroken(true);
  };
  return { element, broken, onError };
}

/** The picture of a participant. */
export function Picture(props: Props) {
  const { part } = props;
  const { element, broken, onError } = usePart(props);
  return (
    <figure className="tile" data-screen={part.screen}>
      <video
        ref={element}
        src={part.address}
        preload="auto"
        playsInline
        muted
        aria-label={`Picture of ${part.name}`}
        onError={onError}
      />
      <figcaption>{part.name}</figcaption>
      {broken && <p className="unplayable">This browser cannot play it. It can be downloaded.</p>}
    </figure>
  );
}

/** The sound of a participant. */
export function Sound({ muted, ...props }: Props & { muted: boolean }) {
  const { part } = props;
  const { element, broken, onError } = usePart(props);
  return (
    <>
      <audio
        ref={element}
        src={part.address}
        preload="auto"
        muted={muted}
        aria-label={`Sound of ${part.name}`}
        onError={onError}
      />
      {broken && <p className="muted">This browser cannot play the sound of {part.name}.</p>}
    </>
  );
}
