import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The root of the repository. */
export const root = resolve(import.meta.dirname, "../../..");

export const places = {
  /** Another build, such as one with the race detector, can be tested instead. */
  server: process.env.ROTUNDA_E2E_SERVER ?? join(root, "bin/rotunda"),
  sdk: join(root, "sdk/web/dist"),
  page: join(root, "test/e2e/page"),
  cache: join(root, "test/e2e/.cache"),
};

/** The first of these programs in PATH. */
export function findProgram(...names: string[]): string {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  throw new Error(`${names.join(" or ")} is needed and was not found: test/machine.sh test installs it`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
