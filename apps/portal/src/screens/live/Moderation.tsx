import { useState } from "react";
import { asCurl } from "../../api/client";
import type { LiveSession } from "../../api/liveSession";
import { CopyLine } from "../../ui/Copy";
import { Fault } from "../../ui/Fault";
import { type Action, actionCall, actions, outcome, useAct } from "./actions";
import { countOf, meant, selector } from "./people";
import { RemoveDialog } from "./RemoveDialog";

const order: Action[] = ["mute", "unmute", "start_recording", "stop_recording", "kick"];

/** Acts on those who are chosen below, or on all but them. */
export function Moderation({
  live,
  chosen,
  onChoose,
}: {
  live: LiveSession;
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}) {
  const [allBut, setAllBut] = useState(true);
  const [removing, setRemoving] = useState(false);
  const act = useAct(live.session_id);
  const selection = { allBut, chosen };
  const people = meant(selection, live.participants);
  const body = selector(selection, live.participants);
  const summary =
    people.length === 0
      ? "Nobody is meant."
      : people.length === live.participants.length
        ? `Everyone is meant: ${countOf(people.length)}.`
        : `${countOf(people.length)} of ${live.participants.length} ${people.length === 1 ? "is" : "are"} meant.`;
  return (
    <section className="card moderation" aria-labelledby="moderation">
      <div className="heading">
        <h2 id="moderation">Act on people</h2>
        <fieldset className="segments">
          <legend className="visually-hidden">Who is meant</legend>
          {(
            [
              [true, "All but those ticked"],
              [false, "Those ticked"],
            ] as const
          ).map(([value, name]) => (
            <label key={name}>
              <input type="radio" name="meant" checked={allBut === value} onChange={() => setAllBut(value)} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div className="actions">
        {order.map((action) => (
          <button
            key={action}
            type="button"
            className={action === "kick" ? "button danger" : "button"}
            disabled={people.length === 0 || act.isPending || (live.e2ee && action === "start_recording")}
            onClick={() => (action === "kick" ? setRemoving(true) : act.mutate({ action, body }))}
          >
            {act.isPending && act.variables.action === action ? actions[action].going : actions[action].name}
          </button>
        ))}
      </div>
      <p className="muted small">
        {summary}{" "}
        {chosen.size > 0 && (
          <button type="button" className="link" onClick={() => onChoose(new Set())}>
            Untick all
          </button>
        )}
      </p>
      <p className="small outcome" role="status">
        {outcome(act)}
      </p>
      <Fault error={act.error} />
      <details className="curl">
        <summary>As curl</summary>
        <div className="stack">
          {order.map((action) => (
            <CopyLine
              key={action}
              text={asCurl(actionCall(live.session_id, { action, body }))}
              label={`the curl command to ${action.replace("_", " ")}`}
            />
          ))}
        </div>
      </details>
      {removing && (
        <RemoveDialog live={live} people={people} body={body} onClose={() => setRemoving(false)} />
      )}
    </section>
  );
}
