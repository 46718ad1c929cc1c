import { once } from "node:events";
import { createServer, type Server, type Socket, connect as tcp } from "node:net";

/** The way from a browser to a server's TCP port, which a test can cut or let hang. */
export class Cable {
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #server: Server;
  #hangs = false;

  private constructor(private readonly target: URL) {
    this.#server = createServer((near) => this.#join(near));
  }

  /** A way to `http://host:port`. */
  static async to(url: string): Promise<Cable> {
    const cable = new Cable(new URL(url));
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the cable is gone");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Breaks every connection; new ones can be made. */
  cut(): void {
    for (const pair of this.#pairs) for (const end of pair) end.resetAndDestroy();
  }

  /** Moves not a byte any more, closes nothing and takes no connection, until `flow`. */
  hang(): void {
    this.#hangs = true;
    for (const pair of this.#pairs) for (const end of pair) end.pause();
  }

  /** Carries what comes from now on over new connections. The old ones stay as they are, like those of a former address. */
  flow(): void {
    this.#hangs = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket): void {
    const pair: [Socket, Socket] = [near, tcp(Number(this.target.port), this.target.hostname)];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [pair[1], near]] as [Socket, Socket][]) {
      from.on("data", (bytes) => to.write(bytes));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#hangs) from.pause();
    }
  }
}
