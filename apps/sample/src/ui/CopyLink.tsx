import { IconLink } from "@tabler/icons-react";
import { useState } from "react";

interface Props {
  className: string;
  size: number;
}

/** Copies the address of this page, fragment included. Pages without a clipboard (plain HTTP) get no button. */
export function CopyLink({ className, size }: Props) {
  const [copied, setCopied] = useState<boolean | null>(null);
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(location.href).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  const words = copied === null ? "Copy the link" : copied ? "Link copied" : "Copying was refused";
  return (
    <button type="button" className={className} onClick={() => void copy()}>
      <IconLink size={size} aria-hidden="true" />
      <span aria-live="polite">{words}</span>
    </button>
  );
}
