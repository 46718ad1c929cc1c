import { readdirSync, readFileSync } from "node:fs";
import { type Browser, chromium } from "@playwright/test";
import { captureOf } from "./capture.js";
import { type Person, shy, wary } from "./people.js";
import { findProgram } from "./places.js";

const always = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-dev-shm-usage",
  // Sharing the screen shares the tab that asks.
  "--use-fake-device-for-media-stream=display-media-type=browser",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--allow-loopback-in-peer-connection",
];

/** A browser of its own for a person: what camera and microphone give holds for the whole process. */
export async function launch(person: Person): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram("chromium", "chromium-browser", "google-chrome"),
    headless: true,
    args: [...always, autoplayOf(person), ...(await devicesOf(person))],
  });
}

function autoplayOf(person: Person): string {
  const policy = person === wary ? "document-user-activation-required" : "no-user-gesture-required";
  return `--autoplay-policy=${policy}`;
}

async function devicesOf(person: Person): Promise<string[]> {
  if (person === shy || person === wary) return ["--use-fake-ui-for-media-stream=deny"];
  const { video, audio } = await captureOf(person);
  return [
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${video}`,
    `--use-file-for-fake-audio-capture=${audio}`,
  ];
}

/** The id of a browser's main process. */
export async function browserPid(browser: Browser): Promise<number> {
  const cdp = await browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
  await cdp.detach();
  const main = processInfo.find(({ type }) => type === "browser");
  if (!main) throw new Error("the browser does not tell its process id");
  return main.id;
}

/** The ids of a process and all that it started. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const id of tree) tree.push(...(children.get(id) ?? []));
  return tree;
}

/** Sends a signal to all of these processes that still run. */
export function signalTree(tree: number[], signal: NodeJS.Signals): void {
  for (const id of tree) {
    try {
      process.kill(id, signal);
    } catch (error) {
      // It may have ended on its own.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function parentOf(entry: string): number | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    // The name of the program, in parentheses, may contain anything.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
