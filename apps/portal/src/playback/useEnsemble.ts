import { useEffect, useReducer, useState } from "react";
import { Ensemble } from "./Ensemble";

/** How often players are held to the clock. */
const tickEvery = 50;

/**
 * An ensemble of this length that stands at a moment, whose clock runs while the page is there. It is drawn again as it plays. With
 * another length it is another, which stands where the one before did.
 */
export function useEnsemble(length: number, from: number): Ensemble {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const make = (at: number) => new Ensemble(length, at, () => performance.now(), draw);
  const [ensemble, setEnsemble] = useState(() => make(from));
  if (ensemble.length !== length) setEnsemble(make(ensemble.at));
  useEffect(() => {
    let drawn = -1;
    const timer = setInterval(() => {
      ensemble.tick();
      // The clock shows tenths at most: drawing more often would be work for nothing.
      const tenth = Math.floor(ensemble.at * 5);
      if (tenth !== drawn) draw();
      drawn = tenth;
    }, tickEvery);
    return () => {
      clearInterval(timer);
      ensemble.pause();
    };
  }, [ensemble]);
  return ensemble;
}
