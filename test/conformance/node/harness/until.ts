import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until a condition holds that the server brings about by itself. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  milliseconds = 10_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await pause(25);
  }
}
