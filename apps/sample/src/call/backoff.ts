const first = 1_000;
const longest = 30_000;

/**
 * Milliseconds to wait before try number `attempt` (1 is the first): doubling from 1 s to 30 s, shortened at random by up
 * to a quarter so that the people of a restarted server do not come back all in the same moment.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(longest, first * 2 ** (Math.max(1, attempt) - 1));
  return Math.round(full * (1 - 0.25 * random()));
}
