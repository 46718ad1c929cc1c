import { useEffect, useReducer, useState } from "react";
import { Ensemble } from "./Ensemble";

/** How often players are held to the clock. */
const tickEvery = 50;

/** An ensemble of this length, whose clock runs while the page is there. It is drawn again as it plays. */
export function useEnsemble(length: number): Ensemble {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const [ensemble, setEnsemble] = useState(() => new Ensemble(length, () => performance.now(), draw));
  if (ensemble.length !== length) setEnsemble(new Ensemble(length, () => performance.now(), draw));
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
