import { execFile } from "node:child_process";
import { promisify } from "node:util";
import Telnyx, { type ClientOptions } from "telnyx";

const run = promisify(execFile);

/** A variable that the runner sets; see ../../README.md. */
export function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with make conformance`);
  return value;
}

/** The server's address, without the /v2 that the SDK's base URL has. */
export const site = variable("TELNYX_BASE_URL").replace(/\/v2$/, "");

/** The SDK as an application makes it: the base URL and the key come from the environment. */
export const telnyx = new Telnyx();

/** The SDK with other options; it gives up at the first failure. */
export function client(options: ClientOptions): Telnyx {
  return new Telnyx({ maxRetries: 0, ...options });
}

/** Carries out a command of the server's own, on the same data, and returns what it printed. */
export async function rotunda(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(variable("CONFORMANCE_SERVER"), [...args, "--json"]);
  return JSON.parse(stdout);
}

/** Adds recordings to a session, as a recorder would, and returns their ids from the oldest to the newest. */
export async function record(session: string, participant: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(variable("CONFORMANCE_RECORDING"), [
    "-session",
    session,
    "-participant",
    participant,
    ...args,
  ]);
  return stdout.trim().split("\n");
}

/** A UUID that is nobody's. */
export const nobody = "00000000-0000-4000-8000-000000000000";

/** A name that no other test uses. */
export function unique(word: string): string {
  return `${word} ${crypto.randomUUID()}`;
}

/** Everything that an SDK's list gives, over all its pages. */
export async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** The value, which must be there. */
export function given<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error("a value is missing in the answer");
  return value;
}
