import { type BrowserContext, type CDPSession, expect, type Page } from "@playwright/test";
import type { InitializeConfig, SubscriptionConfig, VideoPublishOptions } from "@rotunda/video";
import type { StateSummary, StreamSummary, Told } from "../page/reporting.js";
import type { Outcome, Rig } from "../page/rig.js";
import type { Colour, Person } from "./people.js";
import type { Rotunda } from "./rotunda.js";

/** How far a colour may be from the one filmed, in each of red, green and blue: cameras and codecs round. */
const colourTolerance = 14;
/** How far a pitch may be from the one played, in Hz. */
const pitchTolerance = 3;
/** Decibels below full scale. Tones are played at -6; what is silent is below -100. */
const audible = -40;
const silent = -80;

/** The SDK refused something, with a code for programs. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** A frame on the signalling socket. */
export interface Frame {
  sent: boolean;
  at: number;
  content: { type: string; [field: string]: unknown };
}

export interface JoinOptions extends Partial<InitializeConfig> {
  /** Fills the secret of end-to-end encryption. */
  secret?: number;
  /** What the token may do, and for how long. */
  wishes?: { token_ttl_secs?: number; grants?: Record<string, boolean> };
}

/** Someone in the call, whichever client they have. */
export type Other = Pick<Participant, "id" | "person">;

/** Somebody in front of a browser, in a page of an application made with the SDK. */
export class Participant {
  readonly frames: Frame[] = [];
  readonly console: string[] = [];
  #id = "";
  #untouched: CDPSession | undefined;

  constructor(
    readonly person: Person,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.console.push(`uncaught: ${error.stack ?? error}`));
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => this.#keep(true, payload));
      socket.on("framereceived", ({ payload }) => this.#keep(false, payload));
    });
  }

  /** The participant id of the last room initialized. */
  get id(): string {
    return this.#id;
  }

  /** Takes note of the new id, after the room was joined anew. */
  async learnsItsId(): Promise<void> {
    this.#id = (await this.state()).self;
  }

  /** Works the page. What the SDK refuses is thrown as `Refused`. */
  async ask<T, A = undefined>(work: (rig: Rig, arg: A) => T | Promise<T>, arg?: A): Promise<T> {
    const source = `rig.attempt((rig) => (${work})(rig, ${JSON.stringify(arg)}))`;
    const outcome = (await this.#evaluate(source)) as Outcome<T>;
    if ("refused" in outcome) throw new Refused(outcome.refused.code, outcome.refused.message);
    return outcome.value;
  }

  /** Has the browser send fewer pictures, not smaller ones, where it is short of processor time: call it before publishing. */
  async keepsSize(): Promise<void> {
    await this.page.evaluate(() => {
      const { prototype } = RTCPeerConnection;
      const add = prototype.addTransceiver;
      prototype.addTransceiver = function (source, init) {
        const transceiver = add.call(this, source, init);
        const kind = typeof source === "string" ? source : source.kind;
        if (kind === "video" && init?.direction === "sendonly") {
          const parameters = transceiver.sender.getParameters();
          parameters.degradationPreference = "maintain-resolution";
          void transceiver.sender.setParameters(parameters);
        }
        return transceiver;
      };
    });
  }

  /** Loads the page anew and works it from then on as a program: otherwise the browser takes every call for a user's touch. */
  async untouched(): Promise<void> {
    await this.page.reload();
    this.#untouched = await this.context.newCDPSession(this.page);
  }

  /** Makes a room of the SDK, with a fresh token unless one is given. */
  async initialize(server: Rotunda, roomId: string, options: JoinOptions = {}): Promise<void> {
    const { wishes, ...config } = options;
    const clientToken = config.clientToken ?? (await server.rest.tokens(roomId, wishes)).token;
    this.#id = await this.ask((rig, given) => rig.initialize(given), {
      roomId,
      serverUrl: server.url,
      context: this.person.name,
      enableMessages: true,
      ...config,
      clientToken,
    });
  }

  connect(): Promise<void> {
    return this.ask((rig) => rig.room.connect());
  }

  async join(server: Rotunda, roomId: string, options: JoinOptions = {}): Promise<void> {
    await this.initialize(server, roomId, options);
    await this.connect();
  }

  /** Joins, publishes camera and microphone. */
  async enter(server: Rotunda, roomId: string, options: JoinOptions = {}): Promise<void> {
    await this.join(server, roomId, options);
    await this.publish();
  }

  publish(options: VideoPublishOptions = {}): Promise<void> {
    const { width, height } = this.person;
    return this.ask((rig, { size, options }) => rig.publishCamera(size, options), {
      size: { width, height },
      options,
    });
  }

  /** Subscribes to a stream once it is there. */
  async subscribe(other: Other, key = "self", config: Partial<SubscriptionConfig> = {}): Promise<void> {
    await expect.poll(async () => (await this.stream(other, key)) !== undefined).toBe(true);
    await this.ask((rig, [id, key, config]) => rig.subscribe(id, key, config), [
      other.id,
      key,
      { audio: true, video: true, ...config },
    ] as const);
  }

  state(): Promise<StateSummary> {
    return this.ask((rig) => rig.summary());
  }

  async stream(of: Other, key = "self"): Promise<StreamSummary | undefined> {
    return (await this.state()).streams[`${of.id}/${key}`];
  }

  told(): Promise<Told[]> {
    return this.ask((rig) => rig.told);
  }

  /** The first event of a name with these leading arguments, once it came. */
  async tells(event: Told["event"], ...args: unknown[]): Promise<Told> {
    let found: Told | undefined;
    await expect
      .poll(
        async () => {
          const told = await this.told();
          found = told.find((one) => one.event === event && args.every((arg, at) => one.args[at] === arg));
          return found ? event : told.map((one) => `${one.event} ${JSON.stringify(one.args)}`).slice(-5);
        },
        { message: `${this.person.name} is told ${event} ${args.join(" ")}`, intervals: [50] },
      )
      .toBe(event);
    return found as Told;
  }

  /** The notices of a type that came over the socket. */
  notices(type: string): Frame["content"][] {
    return this.frames
      .filter(({ sent, content }) => !sent && content.type === type)
      .map(({ content }) => content);
  }

  /** New pictures arrive, and they show what the other's camera films. */
  async sees(other: Other, key = "self", tolerance?: number): Promise<void> {
    await this.seesColours(other, key, other.person.left, other.person.right, tolerance);
  }

  async seesColours(
    other: Other,
    key: string,
    left: Colour,
    right: Colour,
    tolerance = colourTolerance,
  ): Promise<void> {
    const before = await this.framesDecoded(other, key);
    await expect(async () => {
      const picture = await this.picture(other, key);
      expect(picture, `${this.person.name} has a picture of ${other.person.name}`).toBeDefined();
      if (!picture) return;
      expectColour(picture.left, left, tolerance);
      expectColour(picture.right, right, tolerance);
      expect(await this.framesDecoded(other, key), "new pictures").toBeGreaterThan(before + 5);
    }).toPass({ intervals: [100], timeout: 15_000 });
  }

  picture(other: Other, key = "self") {
    return this.ask((rig, [id, key]) => rig.picture(id, key), [other.id, key] as const);
  }

  framesDecoded(other: Other, key = "self"): Promise<number> {
    return this.ask((rig, [id, key]) => rig.framesDecoded(id, key), [other.id, key] as const);
  }

  /** Hears the other's tone, at its pitch. */
  async hears(other: Other): Promise<void> {
    await expect(async () => {
      const tone = await this.ask((rig, id) => rig.tone(id, "self"), other.id);
      expect(tone?.level, `${this.person.name} hears ${other.person.name}`).toBeGreaterThan(audible);
      expect(Math.abs((tone?.pitch ?? 0) - other.person.pitch), `${tone?.pitch} Hz`).toBeLessThan(
        pitchTolerance,
      );
    }).toPass({ intervals: [100], timeout: 15_000 });
  }

  async hearsNothingOf(other: Other): Promise<void> {
    await expect
      .poll(() => this.ask((rig, id) => rig.tone(id, "self")?.level, other.id), { intervals: [100] })
      .toBeLessThan(silent);
  }

  /** No audio of the other comes over the wire for a while. */
  async isSentNoAudioOf(other: Other): Promise<void> {
    let packets = -1;
    await expect(async () => {
      const before = packets;
      packets = await this.ask((rig, id) => rig.audioPackets(id, "self"), other.id);
      expect(packets, "no new packets").toBe(before);
    }).toPass({ intervals: [1_000] });
  }

  /** No new picture comes for a while. */
  async seesNothingNewOf(other: Other): Promise<void> {
    let frames = -1;
    await expect(async () => {
      const before = frames;
      frames = await this.framesDecoded(other);
      expect(frames, "no new pictures").toBe(before);
    }).toPass({ intervals: [500] });
  }

  /** Hears the other in the mix of everything. */
  async hearsInMix(other: Other): Promise<void> {
    await expect
      .poll(() => this.ask((rig, pitch) => rig.mixedLevel(pitch), other.person.pitch), { intervals: [100] })
      .toBeGreaterThan(audible);
  }

  /** Goes away as people do: by closing the tab. */
  async closeTab(): Promise<void> {
    await this.page.close();
  }

  async #evaluate(expression: string): Promise<unknown> {
    if (!this.#untouched) return this.page.evaluate(expression);
    const { result, exceptionDetails } = await this.#untouched.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  #keep(sent: boolean, payload: string | Buffer): void {
    this.frames.push({ sent, at: Date.now(), content: JSON.parse(payload.toString()) });
  }
}

export function expectColour(seen: Colour, wanted: Colour, tolerance: number): void {
  const far = Math.max(...seen.map((part, at) => Math.abs(part - (wanted[at] ?? 0))));
  expect(far, `seen ${seen}, filmed ${wanted}`).toBeLessThanOrEqual(tolerance);
}
