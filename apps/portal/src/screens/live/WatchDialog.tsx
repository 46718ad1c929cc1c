import type { Call } from "../../api/client";
import { useSession } from "../../api/session";
import { Curl } from "../../ui/Curl";
import { Dialog } from "../../ui/Dialog";

export const watchCall = (session: string): Call => ({
  method: "POST",
  path: `/room_sessions/${session}/actions/watch`,
});

/** Says, before somebody watches, that they are seen. */
export function WatchDialog({
  session,
  onClose,
  onWatch,
}: {
  session: string;
  onClose: () => void;
  onWatch: () => void;
}) {
  const { member } = useSession();
  return (
    <Dialog title="Watch this session" onClose={onClose}>
      <div className="form">
        <p>
          You join as a participant whom everyone sees, as <strong>{member.name} (watching)</strong>. You take
          a seat, receive all streams and send nothing. The audit log keeps that you watched.
        </p>
        <Curl call={watchCall(session)} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button primary" onClick={onWatch}>
            Watch
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
