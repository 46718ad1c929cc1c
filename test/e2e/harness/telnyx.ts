import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "@playwright/test";
import type { Person } from "./people.js";
import type { Rotunda } from "./rotunda.js";

/** An event of the client, and what came with it but for its state. */
export type Told = [event: string, ...args: unknown[]];

/** What the page of the Telnyx client has. */
interface TelnyxRoom {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  on(event: string, listener: (...args: unknown[]) => void): void;
  getLocalParticipant(): { id: string };
  getParticipantStream(
    id: string,
    key: string,
  ): { videoTrack: MediaStreamTrack; audioTrack: MediaStreamTrack };
  addStream(key: string, tracks: { audio: MediaStreamTrack; video: MediaStreamTrack }): Promise<void>;
  updateStream(key: string, tracks: { audio?: MediaStreamTrack; video?: MediaStreamTrack }): Promise<void>;
  removeStream(key: string): Promise<void>;
  addSubscription(id: string, key: string, kinds: { audio: boolean; video: boolean }): Promise<void>;
  sendMessage(message: { type: "text"; payload: string }, recipients?: string[]): Promise<void>;
}

declare global {
  var telnyx: { room: TelnyxRoom; told: Told[]; audio: MediaStreamTrack; video: MediaStreamTrack };
}

const events = [
  "connected disconnected participant_joined participant_leaving participant_left stream_published stream_unpublished",
  "track_enabled track_disabled track_censored track_uncensored subscription_started subscription_ended message_received",
].flatMap((line) => line.split(" "));

/** A tab with the client that Telnyx published, unmodified: only its hard-coded host leads to our server. */
export class TelnyxTab {
  id = "";

  constructor(
    readonly person: Person,
    readonly page: Page,
    private readonly server: Rotunda,
  ) {}

  /** Loads the client into a page of the site. */
  async open(site: string): Promise<void> {
    const library = join(dirname(createRequire(import.meta.url).resolve("@telnyx/video")), "index.mjs");
    const body = await readFile(library, "utf8");
    await this.page.route("**/telnyx.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    await this.page.addInitScript(
      (host) => {
        // What a bundler puts in.
        Object.assign(globalThis, { process: { env: { NODE_ENV: "production" } } });
        globalThis.WebSocket = class extends WebSocket {
          constructor(url: string | URL, protocols?: string | string[]) {
            super(String(url).replace("wss://video.telnyx.com", host), protocols);
          }
        };
      },
      this.server.url.replace("http", "ws"),
    );
    await this.page.goto(site);
  }

  /** Connects, or says why not. */
  async enter(roomId: string): Promise<string> {
    const { token } = await this.server.rest.tokens(roomId);
    const join = {
      roomId,
      clientToken: token,
      context: JSON.stringify({ id: 1, username: this.person.name }),
      events,
    };
    const outcome = await this.page.evaluate(async ({ roomId, clientToken, context, events }) => {
      const path = "/telnyx.js";
      const { initialize } = await import(path);
      const room: TelnyxRoom = await initialize({ roomId, clientToken, context, enableMessages: true });
      const told: Told[] = [];
      globalThis.telnyx = { room, told } as typeof telnyx;
      const disconnected = new Promise<string>((resolve) => {
        for (const event of events) {
          room.on(event, (...args) => {
            told.push([event, ...args.slice(0, -1)]);
            if (event === "disconnected") resolve(`disconnected ${args[0]}`);
          });
        }
      });
      // The promise of connect() never settles if it fails.
      return Promise.race([room.connect().then(() => "connected"), disconnected]);
    }, join);
    if (outcome === "connected")
      this.id = await this.page.evaluate(() => telnyx.room.getLocalParticipant().id);
    return outcome;
  }

  async publish(key: string): Promise<void> {
    await this.page.evaluate(async (key) => {
      const media = await navigator.mediaDevices.getUserMedia({
        audio: true,
        video: { width: 640, height: 360 },
      });
      [telnyx.audio, telnyx.video] = [...media.getAudioTracks(), ...media.getVideoTracks()] as [
        MediaStreamTrack,
        MediaStreamTrack,
      ];
      await telnyx.room.addStream(key, { audio: telnyx.audio, video: telnyx.video });
    }, key);
  }

  /** Subscribes, and shows and plays what comes. */
  async subscribe(id: string, key: string): Promise<void> {
    await this.page.evaluate(
      async ([id, key]) => {
        await telnyx.room.addSubscription(id, key, { audio: true, video: true });
        const [picture, sound] = ["/picture.js", "/sound.js"];
        const { screenOf } = await import(picture);
        const { Ear } = await import(sound);
        const { videoTrack, audioTrack } = telnyx.room.getParticipantStream(id, key);
        const context = new AudioContext();
        Object.assign(telnyx, { screen: screenOf(videoTrack), ear: new Ear(context, audioTrack) });
      },
      [id, key] as const,
    );
  }

  /** What the stream subscribed last shows now, and its loudest tone. */
  senses(): Promise<{
    picture?: { left: number[]; right: number[] };
    tone: { pitch: number; level: number };
  }> {
    return this.page.evaluate(async () => {
      const path = "/picture.js";
      const { look } = await import(path);
      const { screen, ear } = telnyx as unknown as { screen: HTMLVideoElement; ear: { loudest(): never } };
      return { picture: look(screen), tone: ear.loudest() };
    });
  }

  told(): Promise<Told[]> {
    return this.page.evaluate(() => telnyx.told);
  }
}
