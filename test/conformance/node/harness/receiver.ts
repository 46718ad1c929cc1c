import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Queue } from "./queue.js";

/** A webhook as it arrived. */
export interface Delivery {
  body: string;
  headers: Record<string, string>;
  data: {
    id: string;
    event_type: string;
    occurred_at: string;
    record_type: string;
    payload: Record<string, unknown>;
  };
  meta: { attempt: number; delivered_to: string };
}

/** An application's endpoint for webhooks. */
export class Receiver {
  readonly deliveries = new Queue<Delivery>("webhooks");
  /** What first attempts are answered; all others get 200. */
  first = 200;

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on("request", async (request, response) => {
      const delivery = await read(request);
      receiver.deliveries.push(delivery);
      response.writeHead(delivery.meta.attempt === 1 ? receiver.first : 200).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  /** The next webhook of this type. */
  next(type: string, milliseconds?: number): Promise<Delivery> {
    return this.deliveries.next((delivery) => delivery.data.event_type === type, milliseconds);
  }

  /** The next so many webhooks, whatever they are. */
  async take(count: number): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    while (taken.length < count) taken.push(await this.deliveries.next(() => true));
    return taken;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function read(request: IncomingMessage): Promise<Delivery> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  return { body, headers, ...JSON.parse(body) };
}
