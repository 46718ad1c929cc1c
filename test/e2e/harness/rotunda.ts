import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { places } from "./places.js";
import { Rest } from "./rest.js";
import { until } from "./until.js";

const apiKey = "an-api-key-for-browser-tests";

export interface StartOptions {
  /** Beyond those every test server gets. */
  flags?: string[];
  /** Settings that have no flag, as variables. */
  env?: Record<string, string>;
  /** Where to listen; a free port by default. */
  http?: string;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  milliseconds: number;
}

/** A server of its own for one test: the real binary, free ports, a data directory that goes with it. */
export class Rotunda {
  readonly rest: Rest;
  #process: ChildProcess | undefined;
  #output = "";
  #log = "";
  #url = "";

  private constructor(
    readonly data: string,
    private readonly options: StartOptions,
  ) {
    this.rest = new Rest(() => this.#url, apiKey);
  }

  static async start(options: StartOptions = {}): Promise<Rotunda> {
    const server = new Rotunda(await mkdtemp(join(tmpdir(), "rotunda-e2e-")), options);
    try {
      await server.#start(options.http ?? "127.0.0.1:0");
    } catch (error) {
      await server.discard();
      throw error;
    }
    return server;
  }

  /** `http://host:port`; stays the same after a restart. */
  get url(): string {
    return this.#url;
  }

  /** What it printed for its operator. */
  get output(): string {
    return this.#output;
  }

  get log(): string {
    return this.#log;
  }

  /** The link to the demo room. */
  get demoLink(): string {
    const link = /^open\s+(\S+)$/m.exec(this.#output)?.[1];
    if (!link) throw new Error(`the server printed no link to a demo call:\n${this.#output}`);
    return link;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Starts again on the same port and data. */
  async restart(): Promise<void> {
    await this.#start(new URL(this.#url).host);
  }

  /** Asks it to stop, and waits until it has. */
  stop(): Promise<Exit> {
    return this.#end("SIGTERM");
  }

  /** Ends it as a crash would. */
  kill(): Promise<Exit> {
    return this.#end("SIGKILL");
  }

  /** Does and answers nothing any more, as if the network were gone, until `resume`. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    if (this.#process) await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  async #start(http: string): Promise<void> {
    this.#output = "";
    const flags = ["--http", http, "--rtc-udp-port", "0", "--metrics", "off", "--data", this.data];
    const child = spawn(places.server, ["serve", ...flags, ...(this.options.flags ?? [])], {
      env: { PATH: process.env.PATH, HOME: this.data, ROTUNDA_API_KEY: apiKey, ...this.options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    child.once("exit", () => {
      if (this.#process === child) this.#process = undefined;
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
    });
    const orphan = () => child.kill("SIGKILL");
    process.once("exit", orphan);
    child.once("exit", () => process.off("exit", orphan));
    await until("the server is healthy", 30_000, async () => {
      if (this.#process !== child) throw new Error(`the server ended at its start:\n${this.#log}`);
      const url = /^web\s+(\S+)$/m.exec(this.#output)?.[1];
      if (!url) return false;
      this.#url = url;
      return (await fetch(`${url}/healthz`)).ok;
    });
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const child = this.#process;
    if (!child) throw new Error(`the server is not running any more:\n${this.#log}`);
    const begun = performance.now();
    const exited = once(child, "close");
    child.kill(signal);
    const [code, by] = (await exited) as [number | null, NodeJS.Signals | null];
    return { code, signal: by, milliseconds: performance.now() - begun };
  }
}
