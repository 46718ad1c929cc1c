import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, type Page } from "@playwright/test";
import type { Picture } from "../page/picture.js";
import type { Ear, Tone } from "../page/sound.js";
import type { Person } from "./people.js";
import type { Rotunda } from "./rotunda.js";

/** Decibels below full scale, of tones in the mix. They are played at -20; where a busy machine interrupts one, it can be seen at other pitches. */
const audible = -33;
const silent = -39;

/** An event of the client, and what came with it but for its state. */
export type Told = [event: string, ...args: unknown[]];

/** What the page of the Telnyx client has. */
interface TelnyxRoom {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  on(event: string, listener: (...args: unknown[]) => void): void;
  getState(): { mixedAudioTrack: MediaStreamTrack };
  updateClientToken(token: string): Promise<void>;
  enableNetworkMetricsReport(participantIds: string[]): Promise<void>;
  getLocalParticipant(): { id: string };
  getParticipantStream(
    id: string,
    key: string,
  ): { videoTrack: MediaStreamTrack; audioTrack: MediaStreamTrack };
  addStream(
    key: string,
    tracks: {
      audio?: MediaStreamTrack;
      video: MediaStreamTrack | { track: MediaStreamTrack; options: { enableSimulcast: boolean } };
    },
  ): Promise<void>;
  updateStream(key: string, tracks: { audio?: MediaStreamTrack; video?: MediaStreamTrack }): Promise<void>;
  removeStream(key: string): Promise<void>;
  addSubscription(id: string, key: string, kinds: { audio: boolean; video: boolean }): Promise<void>;
  updateSubscription(id: string, key: string, kinds: { audio: boolean; video: boolean }): Promise<void>;
  sendMessage(message: { type: "text"; payload: string }, recipients?: string[]): Promise<void>;
}

declare global {
  var telnyx: {
    room: TelnyxRoom;
    told: Told[];
    audio: MediaStreamTrack;
    video: MediaStreamTrack;
    /** Of the stream subscribed last. */
    screen: HTMLVideoElement;
    ear: Ear;
    /** Of the mix. */
    mix?: Ear;
  };
}

const events = [
  "connected disconnected participant_joined participant_leaving participant_left stream_published stream_unpublished",
  "track_enabled track_disabled track_censored track_uncensored subscription_started subscription_ended message_received",
  "audio_activity network_metrics_report",
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
  async enter(roomId: string, clientToken?: string): Promise<string> {
    const token = clientToken ?? (await this.server.rest.tokens(roomId)).token;
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

  async publish(key: string, enableSimulcast = false): Promise<void> {
    await this.page.evaluate(
      async ([key, enableSimulcast]) => {
        const media = await navigator.mediaDevices.getUserMedia({
          // Browsers take a steady tone for noise.
          audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
          video: { width: 640, height: 360 },
        });
        [telnyx.audio, telnyx.video] = [...media.getAudioTracks(), ...media.getVideoTracks()] as [
          MediaStreamTrack,
          MediaStreamTrack,
        ];
        const video = enableSimulcast ? { track: telnyx.video, options: { enableSimulcast } } : telnyx.video;
        await telnyx.room.addStream(key, { audio: telnyx.audio, video });
      },
      [key, enableSimulcast] as const,
    );
  }

  /** Shares this very tab. */
  async share(): Promise<void> {
    await this.page.evaluate(async () => {
      const media = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
      await telnyx.room.addStream("presentation", { video: media.getVideoTracks()[0] as MediaStreamTrack });
    });
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
        Object.assign(telnyx, { screen: screenOf(videoTrack), ear: new Ear(new AudioContext(), audioTrack) });
      },
      [id, key] as const,
    );
  }

  /** What the stream subscribed last shows now, and its loudest tone. */
  senses(): Promise<{ picture?: Picture; tone: Tone }> {
    return this.page.evaluate(async () => {
      const path = "/picture.js";
      const { look } = await import(path);
      return { picture: look(telnyx.screen), tone: telnyx.ear.loudest() };
    });
  }

  /** How loud others are in the mix, in dB below full scale. */
  mixed(others: Person[]): Promise<number[]> {
    return this.page.evaluate(
      async (pitches) => {
        const sound = "/sound.js";
        const { Ear } = await import(sound);
        telnyx.mix ??= new Ear(new AudioContext(), telnyx.room.getState().mixedAudioTrack) as Ear;
        const { mix } = telnyx;
        return pitches.map((pitch) => mix.levelAt(pitch));
      },
      others.map(({ pitch }) => pitch),
    );
  }

  /** Hears these in the mix, and those not. */
  async hearsInMix(these: Person[], those: Person[] = []): Promise<void> {
    await expect
      .poll(
        async () => {
          const levels = await this.mixed([...these, ...those]);
          return levels.every((level, i) => (i < these.length ? level > audible : level < silent))
            ? "as it is to be"
            : levels;
        },
        { intervals: [100], message: `${this.person.name} hears ${these.map(({ name }) => name)}` },
      )
      .toBe("as it is to be");
  }

  /** Is told an event with these arguments, perhaps after others. */
  tells(...event: unknown[]): Promise<void> {
    return expect.poll(() => this.told()).toContainEqual(event);
  }

  told(): Promise<Told[]> {
    return this.page.evaluate(() => telnyx.told);
  }
}
