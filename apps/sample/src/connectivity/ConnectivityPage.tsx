import { Mark } from "@rotunda/theme/Mark";
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Invitation } from "../entrance/invitation";
import { Pass, PassError } from "../entrance/pass";
import { TrialError, tryWays } from "./trial";
import { type Outcome, verdictOf, type WayName, wayNames, wayWords } from "./ways";

type Outcomes = Record<WayName, Outcome>;

const waiting = (): Outcomes =>
  Object.fromEntries(wayNames.map((way) => [way, { kind: "waiting" }])) as Outcomes;

/** Which ways lead from this browser to the server, and what to change where they do not. */
export function ConnectivityPage({ invitation }: { invitation: Invitation & { kind: "demo" | "room" } }) {
  const [pass] = useState(() => new Pass(invitation));
  const [outcomes, setOutcomes] = useState(waiting);
  const [problem, setProblem] = useState<string | null>(null);
  const [running, setRunning] = useState(true);
  const trial = useRef<AbortController | null>(null);

  const start = useCallback(async () => {
    trial.current?.abort();
    const mine = new AbortController();
    trial.current = mine;
    setOutcomes(waiting());
    setProblem(null);
    setRunning(true);
    try {
      const tell = (way: WayName, outcome: Outcome) => setOutcomes((all) => ({ ...all, [way]: outcome }));
      await tryWays(await pass.ticket(), tell, mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      const known = error instanceof TrialError || error instanceof PassError;
      setProblem(known ? error.message : "The check failed in this browser.");
    }
    if (!mine.signal.aborted) setRunning(false);
  }, [pass]);

  useEffect(() => {
    void start();
    return () => trial.current?.abort();
  }, [start]);

  return (
    <main className="page">
      <header className="brand">
        <Mark size={40} />
        <h1>Check the connection</h1>
      </header>
      <p className="lead" role="status" data-testid="verdict">
        {problem ? "Nothing could be tried." : verdictOf(outcomes)}
      </p>
      {problem ? (
        <p className="complaint" role="alert" data-testid="error">
          {problem}
        </p>
      ) : (
        <ul className="trials">
          {wayNames.map((way) => (
            <Row key={way} way={way} outcome={outcomes[way]} />
          ))}
        </ul>
      )}
      <div className="actions">
        <button type="button" className="button primary" disabled={running} onClick={() => void start()}>
          Check again
        </button>
        <a className="button" href={`/${location.hash}`}>
          To the call
        </a>
      </div>
      <p className="fine">
        The server's own side of it is told by the command <code>rotunda doctor</code>.
      </p>
    </main>
  );
}

function Row({ way, outcome }: { way: WayName; outcome: Outcome }) {
  const { title, setting, open } = wayWords[way];
  return (
    <li className="trial" data-testid={`way-${way}`} data-outcome={outcome.kind}>
      <Sign outcome={outcome} />
      <div>
        <h2>{title}</h2>
        {outcome.kind === "blocked" && (
          <p>
            A firewall on the way, or at the server, blocks {open}. At the server, look at{" "}
            <code>{setting}</code>.
          </p>
        )}
        {outcome.kind === "absent" && (
          <p>
            The server does not offer it. At the server, look at <code>{setting}</code>.
          </p>
        )}
      </div>
      <span className="result">{resultOf(outcome)}</span>
    </li>
  );
}

function Sign({ outcome }: { outcome: Outcome }) {
  switch (outcome.kind) {
    case "waiting":
      return <Mark size={20} />;
    case "works":
      return <IconCheck size={20} className="good" aria-hidden="true" />;
    case "blocked":
      return <IconX size={20} className="bad" aria-hidden="true" />;
    case "absent":
      return <IconMinus size={20} aria-hidden="true" />;
  }
}

function resultOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "waiting":
      return "Trying";
    case "works":
      return `Works, ${outcome.milliseconds} ms`;
    case "blocked":
      return "Blocked";
    case "absent":
      return "Not offered";
  }
}
