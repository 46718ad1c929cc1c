import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A small OpenID provider, of another site than the server's: its people click to sign in, and it can be made to lie. */
export class Provider {
  /** Of whoever signs in next. */
  claims: Record<string, unknown> = {};
  /** Answers nobody but with 500. */
  down = false;

  readonly client = "rotunda";
  readonly secret = "of a browser test & more";
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #codes = new Map<string, URLSearchParams>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Provider> {
    const server = createServer();
    const provider = new Provider(server);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      provider.#answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return provider;
  }

  /** localhost, so that browsers take it for another site than 127.0.0.1. */
  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? "/", this.url);
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (this.down) return json(500, { error: "server_error" });
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json(200, {
          issuer: this.url,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/keys`,
          id_token_signing_alg_values_supported: ["RS256"],
        });
      case "/keys":
        return json(200, {
          keys: [{ ...this.#keys.publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }],
        });
      case "/authorize":
        return response
          .writeHead(200, { "content-type": "text/html; charset=utf-8" })
          .end(this.#page(url.searchParams));
      case "/token":
        return this.#token(request, new URLSearchParams(await text(request)), json);
      default:
        return json(404, {});
    }
  }

  #page(asked: URLSearchParams): string {
    const code = randomBytes(16).toString("hex");
    this.#codes.set(code, asked);
    const back = (more: Record<string, string>) =>
      `${asked.get("redirect_uri")}?${new URLSearchParams({ ...more, state: asked.get("state") ?? "", iss: this.url })}`;
    const link = (name: string, href: string) =>
      `<p><a href="${href.replaceAll("&", "&amp;")}">${name}</a></p>`;
    return `<!doctype html><title>Example</title><h1>Example</h1>${link("Continue", back({ code }))}${link("Give up", back({ error: "access_denied", error_description: "Call 555-0100" }))}`;
  }

  #token(
    request: IncomingMessage,
    form: URLSearchParams,
    json: (status: number, value: unknown) => unknown,
  ): unknown {
    const credential = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64").toString();
    const [id, secret] = credential.split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    if (id !== this.client || secret !== this.secret) return json(401, { error: "invalid_client" });
    const code = form.get("code") ?? "";
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (
      challenge !== asked?.get("code_challenge") ||
      form.get("redirect_uri") !== asked.get("redirect_uri")
    ) {
      return json(400, { error: "invalid_grant" });
    }
    return json(200, {
      access_token: "access",
      token_type: "Bearer",
      id_token: this.#idToken(asked.get("nonce") ?? ""),
    });
  }

  #idToken(nonce: string): string {
    const now = Math.floor(Date.now() / 1000);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = [
      part({ alg: "RS256", kid: "1" }),
      part({ iss: this.url, aud: this.client, iat: now, exp: now + 300, nonce, ...this.claims }),
    ].join(".");
    return `${signed}.${sign("sha256", Buffer.from(signed), this.#keys.privateKey).toString("base64url")}`;
  }
}
