import { Mark } from "@rotunda/theme/Mark";
import { useEffect, useState } from "react";
import { CopyLink } from "../ui/CopyLink";
import type { ConversationView } from "./conversation";

interface Props {
  view: ConversationView;
  onRetry: () => void;
  shareable: boolean;
}

/** One thin line above the room: what is wrong, what happens by itself, what one can do. */
export function Banner({ view, onRetry, shareable }: Props) {
  const left = useSecondsUntil(view.retry?.at ?? null);
  if (view.status === "waiting" && view.retry) {
    const what = view.retry.lost ? "Connection lost." : "The server does not answer.";
    return (
      <div className="banner" data-kind="warning" data-testid="banner">
        <span role="status">{what}</span>
        <span className="figures">Trying again in {left} s</span>
        <button type="button" className="banner-button" onClick={onRetry}>
          Try now
        </button>
      </div>
    );
  }
  if (view.status === "connecting") {
    return (
      <div className="banner" data-kind="quiet" data-testid="banner" role="status">
        <Mark size={16} loading />
        <span>{view.retry ? "Connection lost. Trying again…" : "Joining…"}</span>
      </div>
    );
  }
  if (view.status === "connected" && view.reconnecting) {
    return (
      <div className="banner" data-kind="warning" data-testid="banner" role="status">
        <Mark size={16} loading />
        <span>Connection lost. Reconnecting…</span>
      </div>
    );
  }
  const alone = view.status === "connected" && view.state?.participants.size === 1;
  if (!alone) return null;
  return (
    <div className="banner" data-kind="quiet">
      <span>Nobody else is here yet.</span>
      {shareable && <CopyLink className="banner-button" size={16} />}
    </div>
  );
}

/** Whole seconds until a time, counted while shown. */
function useSecondsUntil(at: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (at === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [at]);
  return at === null ? 0 : Math.max(0, Math.ceil((at - now) / 1_000));
}
