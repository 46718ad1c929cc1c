/** What arrived and nobody has taken yet. */
export class Queue<T> {
  #items: T[] = [];
  #waiting: (() => void)[] = [];

  constructor(private readonly what: string) {}

  push(item: T): void {
    this.#items.push(item);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Takes the first that matches, now or within the time. */
  async next(matches: (item: T) => boolean, milliseconds = 10_000): Promise<T> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const index = this.#items.findIndex(matches);
      if (index >= 0) return this.#items.splice(index, 1)[0] as T;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`${this.what} did not match in time: ${JSON.stringify(this.#items)}`);
      await this.#arrival(left);
    }
  }

  /** Takes everything. */
  drain(): T[] {
    return this.#items.splice(0);
  }

  #arrival(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
