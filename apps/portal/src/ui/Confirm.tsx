import type { ReactNode } from "react";
import type { Call } from "../api/client";
import { Curl } from "./Curl";
import { Dialog } from "./Dialog";
import { Fault } from "./Fault";

interface Props {
  title: string;
  /** What it ends, in words and numbers. */
  children: ReactNode;
  /** What is sent. */
  call: Call;
  /** What is to be done, on the button that does it. */
  verb: string;
  /** The way out. */
  back?: string;
  /** Whether it only makes something, and ends nothing. */
  harmless?: boolean;
  sending: { isPending: boolean; error: unknown };
  onGo: () => void;
  onClose: () => void;
  /** Where the way out leads, if not out. */
  onBack?: () => void;
}

/** Asks once before something is done that cannot be taken back, and says what comes of it. */
export function Confirm({
  title,
  children,
  call,
  verb,
  back = "Cancel",
  harmless = false,
  sending,
  onGo,
  onClose,
  onBack = onClose,
}: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="form">
        <p>{children}</p>
        <Fault error={sending.error} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onBack}>
            {back}
          </button>
          <button
            type="button"
            className={harmless ? "button primary" : "button danger"}
            disabled={sending.isPending}
            onClick={onGo}
          >
            {verb}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
