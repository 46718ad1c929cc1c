import { useEffect, useState } from "react";

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** How long ago, or how soon, in words. */
export function ago(at: Date, now: Date): string {
  let n = (at.getTime() - now.getTime()) / 1000;
  if (Math.abs(n) < 10) return "now";
  for (const [size, unit] of steps) {
    if (Math.abs(n) < size) return relative.format(Math.round(n), unit);
    n /= size;
  }
  return "";
}

/** A time as how long ago it was, with the exact one on hover. */
export function Time({ at, otherwise = "–" }: { at: string | null | undefined; otherwise?: string }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="muted">{otherwise}</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={exact.format(date)}>
      {ago(date, now)}
    </time>
  );
}
