import type { ReactNode } from "react";
import { CopyLine } from "./Copy";

/** A secret that the server does not keep: to be copied now. It stands in a dialog. */
export function ShownOnce({
  children,
  secret,
  label,
  onClose,
}: {
  /** What it is for, and how long it is good. */
  children: ReactNode;
  secret: string;
  label: string;
  onClose: () => void;
}) {
  return (
    <div className="form">
      <p>{children}</p>
      <CopyLine text={secret} label={label} />
      <footer>
        <button type="button" className="button primary" onClick={onClose}>
          Done
        </button>
      </footer>
    </div>
  );
}
