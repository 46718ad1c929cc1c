import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { transformWithOxc } from "vite";
import { places } from "./places.js";

/** A web site of an application: a nearly empty page that loads the built SDK, from another origin than the server's. */
export interface Site {
  url: string;
  close(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const server = createServer((request, response) => {
    answer(new URL(request.url ?? "/", "http://site").pathname, response).catch((error) => {
      response.writeHead(404).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(path: string, response: ServerResponse): Promise<void> {
  const send = (type: string, body: string) => response.writeHead(200, { "content-type": type }).end(body);
  if (path === "/") return void send("text/html; charset=utf-8", await text(places.page, "index.html"));
  if (path === "/favicon.ico") return void response.writeHead(204).end();
  const name = /^\/(sdk\/)?([\w-]+)\.js$/.exec(path);
  if (!name) throw new Error(`nothing at ${path}`);
  const [, isSdk, file] = name;
  if (isSdk) return void send("text/javascript", await text(places.sdk, `${file}.js`));
  const source = await text(places.page, `${file}.ts`);
  send("text/javascript", (await transformWithOxc(source, `${file}.ts`)).code);
}

function text(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), "utf8");
}
