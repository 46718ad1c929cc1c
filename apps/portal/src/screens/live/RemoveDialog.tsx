import type { LiveParticipant, LiveSession } from "../../api/liveSession";
import { Confirm } from "../../ui/Confirm";
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
    <Confirm
      title={`Remove ${who}`}
      call={actionCall(live.session_id, deed)}
      verb={act.isPending ? "Removing…" : `Remove ${countOf(people.length)}`}
      sending={act}
      onGo={() => act.mutate(deed, { onSuccess: onClose })}
      onClose={onClose}
    >
      {names.join(", ")}: out at once, with {streams} {streams === 1 ? "stream" : "streams"}. The tokens they
      came with stop working; a new one lets them in again.
    </Confirm>
  );
}
