/**
 * Calls back when the page comes to the front again, after which sound and cameras may have to be taken up: phones take them away in the background.
 * Returns a function that stops it.
 */
export function onForeground(callback: () => void): () => void {
  const changed = () => {
    if (!globalThis.document?.hidden) callback();
  };
  globalThis.document?.addEventListener("visibilitychange", changed);
  globalThis.addEventListener?.("pageshow", changed);
  return () => {
    globalThis.document?.removeEventListener("visibilitychange", changed);
    globalThis.removeEventListener?.("pageshow", changed);
  };
}
