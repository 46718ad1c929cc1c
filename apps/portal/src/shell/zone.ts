import { useMemo, useSyncExternalStore } from "react";

export type Zone = "browser" | "utc";

export const zones: { zone: Zone; name: string }[] = [
  { zone: "browser", name: "Of this browser" },
  { zone: "utc", name: "UTC" },
];

const key = "rotunda.zone";
const listeners = new Set<() => void>();

function chosenZone(): Zone {
  return localStorage.getItem(key) === "utc" ? "utc" : "browser";
}

/** Has all times of the portal shown in this zone from now on. */
export function chooseZone(zone: Zone): void {
  localStorage.setItem(key, zone);
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useZone(): Zone {
  return useSyncExternalStore(subscribe, chosenZone);
}

/** How times are written in a zone. Each takes a Date or milliseconds. */
export interface Moments {
  /** 22 Nov 2026, 14:05:07 */
  exact: (at: Date | number) => string;
  /** 14:05:07 */
  clock: (at: Date | number) => string;
  /** 14:05 */
  minute: (at: Date | number) => string;
  /** 22 Nov */
  day: (at: Date | number) => string;
}

export function momentsIn(zone: Zone): Moments {
  const by = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(
      "en-GB",
      zone === "utc" ? { ...options, timeZone: "UTC" } : options,
    );
    return (at: Date | number) => format.format(at);
  };
  const hour = { hour: "2-digit", minute: "2-digit" } as const;
  return {
    exact: by({ dateStyle: "medium", timeStyle: "medium" }),
    clock: by({ ...hour, second: "2-digit" }),
    minute: by(hour),
    day: by({ day: "numeric", month: "short" }),
  };
}

/** How times are written in the zone that was chosen. */
export function useMoments(): Moments {
  const zone = useZone();
  return useMemo(() => momentsIn(zone), [zone]);
}
