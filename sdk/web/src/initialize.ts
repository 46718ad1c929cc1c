import { RoomError } from "./errors.js";
import { uuid } from "./ids.js";
import { leveledLogger, setLogLevel } from "./log.js";
import type { InitializeConfig } from "./options.js";
import { Room } from "./room.js";
import { Session } from "./session.js";
import { Channel } from "./signal/channel.js";
import type { HelloReply } from "./signal/frames.js";
import { ending, endingOfError } from "./signal/refusals.js";
import { version } from "./version.js";

/** How long `initialize` may take, in milliseconds. */
export const INITIALIZE_TIMEOUT = 30_000;

/**
 * Connects to the server with a token and makes a room of status `initialized`. Nobody sees the participant until `connect()`.
 * Rejects with a `RoomError` as soon as the cause is known: `invalid_argument`, `not_supported`, `unauthorized`, `forbidden`,
 * `room_not_found`, `unavailable`, `network_error`, or `timed_out` after 30 s.
 */
export async function initialize(config: InitializeConfig): Promise<Room> {
  check(config);
  if (config.logLevel !== undefined) setLogLevel(config.logLevel);
  const url = signalUrl(config.serverUrl);
  const session = openSession(config, url);
  const deadline = setTimeout(() => {
    const seconds = INITIALIZE_TIMEOUT / 1000;
    void session.end(ending("timed_out", "timed_out", `initialize: no answer within ${seconds} s`));
  }, INITIALIZE_TIMEOUT);
  try {
    return new Room(session, config, await hello(session, config));
  } catch (error) {
    const why = endingOfError(error);
    await session.end(why);
    throw why.error;
  } finally {
    clearTimeout(deadline);
  }
}

function check(config: InitializeConfig): void {
  for (const name of ["roomId", "clientToken"] as const) {
    const value = config?.[name];
    if (typeof value !== "string" || value.trim() === "") {
      throw new RoomError("invalid_argument", `${name} must be a string that is not empty`);
    }
  }
  if (config.context !== undefined && typeof config.context !== "string") {
    throw new RoomError("invalid_argument", "context must be a string");
  }
  if (config.tokenProvider !== undefined && typeof config.tokenProvider !== "function") {
    throw new RoomError("invalid_argument", "tokenProvider must be a function");
  }
  for (const name of ["mixedAudio", "playAudio", "reportQuality"] as const) {
    if (config[name] !== undefined && typeof config[name] !== "boolean") {
      throw new RoomError("invalid_argument", `${name} must be true or false`);
    }
  }
  if (config.encryption !== undefined && typeof config.encryption?.protect !== "function") {
    throw new RoomError("invalid_argument", "encryption must be an Encryption");
  }
  if (!["undefined", "boolean", "function"].includes(typeof config.autoSubscribe)) {
    throw new RoomError("invalid_argument", "autoSubscribe must be true, false or a function");
  }
  checkReconnect(config.reconnect);
  checkLogger(config.logger);
  for (const name of ["WebSocket", "RTCPeerConnection", "AudioContext"] as const) {
    if (name === "AudioContext" && config.mixedAudio === false) continue;
    if (typeof globalThis[name] !== "function") {
      throw new RoomError("not_supported", `this browser has no ${name}`);
    }
  }
  checkIce(config);
}

function checkLogger(logger: InitializeConfig["logger"]): void {
  if (logger === undefined || typeof logger === "function") return;
  for (const name of ["debug", "info", "warn", "error"] as const) {
    if (typeof logger?.[name] !== "function") {
      throw new RoomError("invalid_argument", `logger must be a function, or an object with ${name}()`);
    }
  }
}

/** Only the browser knows what it takes. */
function checkIce({ iceServers, iceTransportPolicy }: InitializeConfig): void {
  if (iceServers === undefined && iceTransportPolicy === undefined) return;
  try {
    const configuration = {
      ...(iceServers && { iceServers }),
      ...(iceTransportPolicy && { iceTransportPolicy }),
    };
    new RTCPeerConnection(configuration).close();
  } catch (cause) {
    const message = `iceServers or iceTransportPolicy: ${(cause as Error).message}`;
    throw new RoomError("invalid_argument", message, { cause });
  }
}

function checkReconnect(reconnect: InitializeConfig["reconnect"]): void {
  if (reconnect === undefined || typeof reconnect === "boolean") return;
  if (typeof reconnect !== "object" || reconnect === null) {
    throw new RoomError("invalid_argument", "reconnect must be true, false or an object");
  }
  const { giveUpAfter } = reconnect;
  if (giveUpAfter !== undefined && !(typeof giveUpAfter === "number" && giveUpAfter > 0)) {
    throw new RoomError("invalid_argument", "reconnect.giveUpAfter must be a positive number of seconds");
  }
}

/** `https://host/path` → `wss://host/path/v2/signal`. */
function signalUrl(serverUrl: string | undefined): string {
  const base = serverUrl ?? globalThis.location?.origin;
  try {
    const url = new URL(base);
    const secure = url.protocol === "https:" || url.protocol === "wss:";
    if (!secure && url.protocol !== "http:" && url.protocol !== "ws:") throw new TypeError(url.protocol);
    return `${secure ? "wss" : "ws"}://${url.host}${url.pathname.replace(/\/+$/, "")}/v2/signal`;
  } catch (cause) {
    throw new RoomError("invalid_argument", "serverUrl must be an http or https address", { cause });
  }
}

function openSession(config: InitializeConfig, url: string): Session {
  const log = leveledLogger(config.logger, config.roomId);
  const session = new Session(
    {
      id: uuid(),
      origin: "local",
      ...(config.context !== undefined && { context: config.context }),
      streams: {},
      canReceiveMessages: config.enableMessages === true,
    },
    log,
  );
  session.attach(new Channel(url, session, log));
  return session;
}

async function hello(session: Session, config: InitializeConfig): Promise<HelloReply> {
  await session.channel.opened;
  const reply = await session.channel.request(
    "hello",
    { version: 1, token: config.clientToken, client: { name: "@rotunda/video", version } },
    undefined,
    INITIALIZE_TIMEOUT,
  );
  if (config.roomId.toLowerCase() !== reply.room.id && config.roomId !== reply.room.unique_name) {
    throw new RoomError("unauthorized", "the token is for another room");
  }
  const size = new TextEncoder().encode(config.context ?? "").length;
  if (size > reply.limits.context_bytes) {
    const limit = reply.limits.context_bytes;
    throw new RoomError("invalid_argument", `context has ${size} bytes, the server takes ${limit}`);
  }
  return reply;
}
