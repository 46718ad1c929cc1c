import type { Events } from "./events.js";
import type { Logger } from "./log.js";

/** Keeps the listeners of a room and calls them in the order in which they came. */
export class Emitter {
  readonly #listeners = new Map<keyof Events, Set<{ callback: (...args: unknown[]) => void }>>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  on<E extends keyof Events>(event: E, callback: Events[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // Its own entry, so that one function listening twice is called twice.
    const entry = { callback: callback as (...args: unknown[]) => void };
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** A listener that throws is logged; the others, and the room, go on. */
  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void {
    const listeners = this.#listeners.get(event);
    for (const entry of [...(listeners ?? [])]) {
      // One before it may have taken it away.
      if (!listeners?.has(entry)) continue;
      try {
        entry.callback(...args);
      } catch (error) {
        this.#log.error(`a listener of ${event} threw`, error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
