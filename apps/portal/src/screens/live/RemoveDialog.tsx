import type { LiveParticipant, LiveSession } from "../../api/liveSession";
import { Curl } from "../../ui/Curl";
import { Dialog } from "../../ui/Dialog";
import { Fault } from "../../ui/Fault";
import { actionCall, useAct } from "./actions";
import { called, countOf } from "./people";

/** How many are named one by one. */
const named = 5;

/** Asks before people are put out, and says who. */
export function RemoveDialog({
  live,
  people,
  body,
  onClose,
}: {
  live: LiveSession;
  people: LiveParticipant[];
  body: unknown;
  onClose: () => void;
}) {
  const act = useAct(live.session_id);
  const deed = { action: "kick" as const, body };
  const names = people.slice(0, named).map(called);
  if (people.length > named) names.push(`${people.length - named} more`);
  const streams = people.reduce((sum, person) => sum + person.streams.length, 0);
  const who = people.length === 1 ? called(people[0] as LiveParticipant) : countOf(people.length);
  return (
    <Dialog title={`Remove ${who}`} onClose={onClose}>
      <div className="form">
        <p>
          {names.join(", ")}: out at once, with {streams} {streams === 1 ? "stream" : "streams"}. The tokens
          they came with stop working; a new one lets them in again.
        </p>
        <Fault error={act.error} />
        <Curl call={actionCall(live.session_id, deed)} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="button danger"
            disabled={act.isPending}
            onClick={() => act.mutate(deed, { onSuccess: onClose })}
          >
            {act.isPending ? "Removing…" : `Remove ${countOf(people.length)}`}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
