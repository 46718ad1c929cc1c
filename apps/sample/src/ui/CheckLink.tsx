import type { ReactNode } from "react";

interface Props {
  className: string;
  onClick?: () => void;
  children?: ReactNode;
}

/** Leads to the page that tries every way to the server, in a tab of its own. */
export function CheckLink({ className, onClick, children }: Props) {
  return (
    <a
      className={className}
      href={`/connectivity${location.hash}`}
      target="_blank"
      rel="noreferrer"
      onClick={onClick}
    >
      {children}
      Check the connection
    </a>
  );
}
