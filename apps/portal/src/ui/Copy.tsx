import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";

function useCopied(): [boolean, (text: string) => Promise<void>] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return [
    copied,
    async (text) => {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    },
  ];
}

/** A line that is for copying: a key, a link, a command. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const [copied, copy] = useCopied();
  return (
    <div className="copy-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <code tabIndex={0}>{text}</code>
      <button
        type="button"
        className="button"
        aria-label={copied ? `${label} is copied` : `Copy ${label}`}
        onClick={() => void copy(text)}
      >
        {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

/** An id, shortened in the middle; a click copies all of it. */
export function Id({ id }: { id: string }) {
  const [copied, copy] = useCopied();
  const short = id.length > 13 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
  return (
    <button type="button" className="id" title={id} onClick={() => void copy(id)}>
      <span className="visually-hidden">{copied ? "" : "Copy "}</span>
      {copied ? "copied" : short}
    </button>
  );
}
