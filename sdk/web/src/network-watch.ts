/** What a page is told of its network. */
export type NetworkSign = "online" | "changed" | "visible";

/** Listens for signs that the network is back, another, or worth a look. Returns a function that stops it. */
export function watchNetwork(heard: (sign: NetworkSign) => void): () => void {
  const stops: (() => void)[] = [];
  const listen = (target: EventTarget | undefined, name: string, listener: () => void) => {
    target?.addEventListener?.(name, listener);
    stops.push(() => target?.removeEventListener?.(name, listener));
  };
  listen(globalThis as unknown as EventTarget, "online", () => heard("online"));
  listen(globalThis.document, "visibilitychange", () => {
    if (!globalThis.document.hidden) heard("visible");
  });
  const { connection } = (globalThis.navigator ?? {}) as { connection?: EventTarget };
  listen(connection, "change", () => {
    if (globalThis.navigator.onLine !== false) heard("changed");
  });
  return () => {
    for (const stop of stops) stop();
  };
}
