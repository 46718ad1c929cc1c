import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect } from "react";
import type { Ensemble } from "./Ensemble";
import { clock } from "./score";

const speeds = [0.5, 1, 1.5, 2];
/** Seconds that an arrow key goes. */
const step = 5;

/** Play, pause, seek and speed, for all at once. onRest is told where the clock was left. */
export function Transport({ ensemble, onRest }: { ensemble: Ensemble; onRest: (at: number) => void }) {
  const { at, length, playing, waiting } = ensemble;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const busy = (event.target as Element).closest("input, select, textarea, button, a, summary, dialog");
      if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " ") toggle(ensemble, onRest);
      else if (event.key === "ArrowLeft") ensemble.seek(ensemble.at - step);
      else if (event.key === "ArrowRight") ensemble.seek(ensemble.at + step);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [ensemble, onRest]);
  return (
    <div className="transport">
      <button
        type="button"
        className="icon-button filled"
        aria-label={playing ? "Pause" : "Play"}
        onClick={() => toggle(ensemble, onRest)}
      >
        {playing ? <IconPlayerPause size={20} /> : <IconPlayerPlay size={20} />}
      </button>
      <output className="figures" aria-label="Where it stands">
        {clock(at)} / {clock(length)}
      </output>
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={`${clock(at)} of ${clock(length)}`}
        min={0}
        max={length}
        step={0.1}
        value={at}
        onChange={(event) => ensemble.seek(Number(event.target.value))}
        onPointerUp={() => onRest(ensemble.at)}
        onKeyUp={() => onRest(ensemble.at)}
      />
      <select
        className="select speed"
        aria-label="Speed"
        value={ensemble.rate}
        onChange={(event) => ensemble.speed(Number(event.target.value))}
      >
        {speeds.map((speed) => (
          <option key={speed} value={speed}>
            {speed}×
          </option>
        ))}
      </select>
      <span className="muted state" role="status">
        {waiting && "Loading…"}
      </span>
    </div>
  );
}

function toggle(ensemble: Ensemble, onRest: (at: number) => void): void {
  if (!ensemble.playing) {
    ensemble.play();
    return;
  }
  ensemble.pause();
  onRest(ensemble.at);
}
