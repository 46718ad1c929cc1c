import { Mark } from "@rotunda/theme/Mark";
import type { ReactNode } from "react";

/** The frame of screens for people who are not signed in. */
export function Entrance({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}) {
  return (
    <main className="alone">
      <div className="card entrance">
        <Mark size={40} />
        <h1>{title}</h1>
        {lead && <p className="muted">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
