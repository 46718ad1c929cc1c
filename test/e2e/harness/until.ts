import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until the answer is not false or undefined, and returns it; throws after `limit` milliseconds. */
export async function until<T>(
  what: string,
  limit: number,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> {
  const deadline = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${limit / 1000} s: ${what}`);
    await pause(25);
  }
}
