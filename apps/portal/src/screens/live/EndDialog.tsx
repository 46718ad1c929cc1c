import { useMutation } from "@tanstack/react-query";
import { type Call, sendOne } from "../../api/client";
import type { LiveSession } from "../../api/liveSession";
import { Confirm } from "../../ui/Confirm";
import { countOf } from "./people";

/** Asks before a session is ended, and says what that ends. */
export function EndDialog({ live, onClose }: { live: LiveSession; onClose: () => void }) {
  const call: Call = { method: "POST", path: `/room_sessions/${live.session_id}/actions/end` };
  const end = useMutation({ mutationFn: () => sendOne(call), onSuccess: onClose });
  const streams = live.participants.flatMap((person) => person.streams);
  const recorded = streams.filter((stream) => stream.recorded).length;
  const ends = [
    `${streams.length} ${streams.length === 1 ? "stream" : "streams"}`,
    ...(recorded > 0 ? [`the recording of ${recorded} of them`] : []),
  ].join(" and ");
  return (
    <Confirm
      title="End the session"
      call={call}
      verb={end.isPending ? "Ending…" : `End it for ${countOf(live.participants.length)}`}
      sending={end}
      onGo={() => end.mutate()}
      onClose={onClose}
    >
      Puts out {countOf(live.participants.length)} at once and ends {ends}. What was recorded stays. The room
      stays too: whoever joins next opens another session.
    </Confirm>
  );
}
