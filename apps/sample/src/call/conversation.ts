import type { initialize, Room, State } from "@rotunda/video";
import type { Devices } from "../devices/capture";
import { type Pass, PassError } from "../entrance/pass";
import { type Readable, Store } from "../ui/store";
import { backoff } from "./backoff";
import { type ChatLog, chat, emptyChat } from "./chat";
import { readName, writeContext } from "./context";
import { afterDisconnect, afterFailedJoin, afterRefusal, type Ending, type Verdict } from "./ending";
import { screenKey } from "./people";
import { Publisher } from "./publisher";
import { type Look, Subscriber } from "./subscriber";

export type Note = { id: number; text: string };

export interface ConversationView {
  /** `waiting`: not connected, and trying again at `retry.at`. */
  status: "connecting" | "connected" | "waiting" | "ended";
  /** The room that is entered, while there is one. */
  room: Room | null;
  /** The room as the SDK sees it; null before the first connection. */
  state: State | null;
  speaking: ReadonlySet<string>;
  /** When somebody spoke last, in milliseconds, by participant id. */
  activeAt: ReadonlyMap<string, number>;
  /** When this page first saw a screen, by tile id. */
  screenSince: ReadonlyMap<string, number>;
  chat: ChatLog;
  retry: { attempt: number; at: number; lost: boolean } | null;
  /** Connected, but the connection is lost for now; the SDK works on it. */
  reconnecting: boolean;
  ending: Ending | null;
  screen: MediaStream | null;
  canPublish: boolean;
  /** One short hint, shown for a few seconds. */
  note: Note | null;
  /** What is read out to those who cannot see it. */
  said: string;
}

/** What the call screen needs of a call; a dev page draws the same from invented people. */
export interface Call {
  readonly view: Readable<ConversationView>;
  leave(): void;
  retryNow(): void;
  share(): Promise<void>;
  unshare(): Promise<void>;
  look(looks: ReadonlyMap<string, Look>): void;
  /** Shows a remote stream in an element, no larger than it is seen, until the function it returns is called; nothing while there is no room. */
  attach(participantId: string, key: string, element: HTMLVideoElement): (() => void) | undefined;
  send(text: string, to: string | null): Promise<string | null>;
  openChat(open: boolean): void;
  /** Shows a hint for some seconds, or until the function it returns is called. */
  hint(text: string): () => void;
}

export interface Ingredients {
  pass: Pass;
  devices: Devices;
  name: string;
  initialize: typeof initialize;
  now?: () => number;
  random?: () => number;
}

export const initialView: ConversationView = {
  status: "connecting",
  room: null,
  state: null,
  speaking: new Set(),
  activeAt: new Map(),
  screenSince: new Map(),
  chat: emptyChat,
  retry: null,
  reconnecting: false,
  ending: null,
  screen: null,
  canPublish: true,
  note: null,
  said: "",
};

/** One call as its user sees it: a room of the SDK, and after a break another one, until there is a reason to end. */
export class Conversation implements Call {
  readonly view = new Store<ConversationView>(initialView);
  readonly #given: Ingredients;
  readonly #now: () => number;
  #room: Room | null = null;
  #publisher: Publisher | null = null;
  #subscriber: Subscriber | null = null;
  #looks: ReadonlyMap<string, Look> = new Map();
  #attempt = 0;
  #renewed = false;
  #wasConnected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #notes = 0;

  constructor(given: Ingredients) {
    this.#given = given;
    this.#now = given.now ?? Date.now;
    globalThis.addEventListener?.("online", this.retryNow);
  }

  /** Joins; what becomes of it shows in the view. */
  async start(): Promise<void> {
    clearTimeout(this.#timer);
    this.view.patch({ status: "connecting" });
    try {
      const ticket = this.#renewed ? await this.#given.pass.renew() : await this.#given.pass.ticket();
      if (this.#ended) return;
      const room = await this.#given.initialize({
        roomId: ticket.roomId,
        clientToken: ticket.token,
        context: writeContext(this.#given.name),
        enableMessages: true,
        // Each stream is played by itself.
        mixedAudio: false,
        ...(this.#given.pass.renewable && {
          tokenProvider: async () => (await this.#given.pass.renew()).token,
        }),
      });
      if (this.#ended) return void room.disconnect();
      this.#room = room;
      this.#listen(room);
      await room.connect();
    } catch (error) {
      this.#room = null;
      if (this.#ended) return;
      if (!(error instanceof PassError)) console.warn("Joining failed.", error);
      this.#follow(
        error instanceof PassError
          ? afterRefusal(error.refusal)
          : afterFailedJoin((error as { code?: string }).code, this.#renewed),
      );
    }
  }

  leave(): void {
    const room = this.#room;
    this.#end("left");
    void room?.disconnect();
  }

  retryNow = (): void => {
    if (this.view.get().status === "waiting") void this.start();
  };

  async share(): Promise<void> {
    if (this.view.get().screen || !this.#publisher) return;
    let screen: MediaStream;
    try {
      screen = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 15, max: 30 } },
        audio: true,
      });
    } catch (error) {
      // Closing the browser's picker is an answer, not a failure.
      if ((error as { name?: string }).name !== "NotAllowedError")
        this.hint("The screen could not be shared.");
      return;
    }
    screen.getVideoTracks()[0]?.addEventListener("ended", () => void this.unshare());
    this.view.patch({ screen });
    await this.#publishScreen();
  }

  async unshare(): Promise<void> {
    const { screen } = this.view.get();
    if (!screen) return;
    this.#stopScreen();
    this.#say("You stopped sharing your screen");
    await this.#publisher?.unshare().catch(() => undefined);
  }

  look(looks: ReadonlyMap<string, Look>): void {
    this.#looks = looks;
    this.#subscriber?.look(looks);
  }

  attach = (participantId: string, key: string, element: HTMLVideoElement) =>
    this.#room?.getState().status === "connected"
      ? this.#room.attachVideo(participantId, key, element)
      : undefined;

  /** Sends to everybody, or to one. Resolves with null, or with why it did not arrive. */
  async send(text: string, to: string | null): Promise<string | null> {
    const room = this.#room;
    if (!room || this.view.get().status !== "connected") return "Not connected. Send it again in a moment.";
    const recipient = to === null ? null : room.getState().participants.get(to);
    if (recipient === undefined) return "This person has left.";
    try {
      const missed = await room.sendMessage({ type: "text", payload: text }, to === null ? [] : [to]);
      if (recipient) this.#keepPrivate(room, text, readName(recipient.context), missed.length === 0);
      return null;
    } catch (error) {
      return failureWords((error as { code?: string }).code);
    }
  }

  openChat(open: boolean): void {
    this.view.patch({ chat: chat(this.view.get().chat, { type: open ? "open" : "close" }) });
  }

  hint(text: string): () => void {
    const note = { id: ++this.#notes, text };
    this.view.patch({ note });
    const withdraw = () => {
      if (this.view.get().note === note) this.view.patch({ note: null });
    };
    setTimeout(withdraw, 6_000);
    return withdraw;
  }

  get #ended(): boolean {
    return this.view.get().status === "ended";
  }

  #listen(room: Room): void {
    room.on("state_changed", (state) => this.#see(state));
    room.on("connected", (state) => this.#enter(room, state));
    room.on("disconnected", (reason) => this.#over(room, reason));
    room.on("reconnecting", () => this.view.patch({ reconnecting: true }));
    room.on("reconnected", () => {
      this.view.patch({ reconnecting: false });
      this.#say("You are back in the call");
    });
    room.on("participant_joined", (id, state) => this.#say(`${nameIn(state, id)} joined`));
    room.on("participant_leaving", (id, reason, state) =>
      this.#say(`${nameIn(state, id)} ${reason === "kicked" ? "was removed" : "left"}`),
    );
    room.on("participant_left", (id) => this.#quiet(id));
    room.on("stream_published", (id, key, state) => this.#published(id, key, state));
    // The sound of a shared screen is not its owner speaking.
    room.on("audio_activity", (id, key) => key !== screenKey && this.#heard(id));
    room.on("audio_activity_ended", (id, key) => key !== screenKey && this.#quiet(id));
    room.on("track_disabled", (id, key, kind) => kind === "audio" && key !== screenKey && this.#quiet(id));
    room.on("track_censored", (id, _key, kind, state) => this.#censored(id, kind, state));
    room.on("track_uncensored", (id, _key, kind, state) => this.#uncensored(id, kind, state));
    room.on("recording_changed", (recording) => this.#say(recordingWords(recording)));
    room.on("message_received", (from, message, recipients, state) => {
      const own = from === state.localParticipantId;
      this.#keep({
        from,
        name: nameIn(state, from),
        own,
        to: recipients.length > 0 ? "you" : null,
        text: message.payload,
      });
      if (!own) this.#say(`Message from ${nameIn(state, from)}: ${message.payload}`);
    });
    room.on("error", (error) => console.warn("The room reported an error.", error));
  }

  #enter(room: Room, state: State): void {
    const back = this.#wasConnected;
    this.#wasConnected = true;
    this.#attempt = 0;
    this.#renewed = false;
    this.#subscriber = new Subscriber(room, (error) =>
      console.warn("A stream could not be received.", error),
    );
    this.#subscriber.look(this.#looks);
    this.#publisher = new Publisher(room, this.#given.devices, {
      forbidden: () => this.#watchOnly(),
      failed: (error) => this.#publishFailed(error),
    });
    this.view.patch({ status: "connected", room, state, retry: null, reconnecting: false, canPublish: true });
    const entered = back ? "You are back in the call" : "You joined the call";
    this.#say(state.recording ? `${entered}. ${recordingWords(true)}` : entered);
    void this.#publisher.sync();
    if (this.view.get().screen) void this.#publishScreen();
  }

  #see(state: State): void {
    if (state.status === "connected") this.view.patch({ state, screenSince: this.#screens(state) });
    this.#subscriber?.sync();
  }

  #screens(state: State): ReadonlyMap<string, number> {
    const before = this.view.get().screenSince;
    const here = [...state.streams.values()].filter((stream) => stream.key === screenKey);
    const ids = here.map((stream) => `${stream.participantId}/${stream.key}`);
    if (ids.length === before.size && ids.every((id) => before.has(id))) return before;
    return new Map(ids.map((id) => [id, before.get(id) ?? this.#now()]));
  }

  /** The room is over, not necessarily the call. A failed `connect` is judged by its error instead. */
  #over(room: Room, reason: string): void {
    if (this.#room !== room || this.#ended) return;
    if (this.view.get().status !== "connected") return;
    this.#dropRoom();
    this.#follow(afterDisconnect(reason));
  }

  #follow(verdict: Verdict): void {
    if (verdict.kind === "end") this.#end(verdict.ending);
    else if (verdict.kind === "renew") this.#renew();
    else this.#wait();
  }

  #renew(): void {
    if (this.#renewed || !this.#given.pass.renewable) {
      this.#end("token_expired");
      return;
    }
    this.#renewed = true;
    void this.start();
  }

  #wait(): void {
    const attempt = ++this.#attempt;
    const wait = backoff(attempt, this.#given.random);
    this.view.patch({
      status: "waiting",
      retry: { attempt, at: this.#now() + wait, lost: this.#wasConnected },
    });
    this.#timer = setTimeout(() => void this.start(), wait);
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.retryNow);
    this.#stopScreen();
    this.#dropRoom();
    this.view.patch({ status: "ended", ending, retry: null });
  }

  #dropRoom(): void {
    this.#room = null;
    this.#publisher?.close();
    this.#subscriber?.close();
    this.#publisher = null;
    this.#subscriber = null;
    this.view.patch({ room: null, speaking: new Set() });
  }

  async #publishScreen(): Promise<void> {
    const { screen } = this.view.get();
    if (!screen) return;
    try {
      await this.#publisher?.share(screen);
      this.#say("You are sharing your screen");
    } catch (error) {
      this.#stopScreen();
      if ((error as { code?: string }).code === "forbidden") this.#watchOnly();
      else this.hint("The screen could not be shared.");
    }
  }

  #stopScreen(): void {
    for (const track of this.view.get().screen?.getTracks() ?? []) track.stop();
    this.view.patch({ screen: null });
  }

  #watchOnly(): void {
    this.view.patch({ canPublish: false });
    this.hint("This link lets you watch and listen, not speak.");
  }

  #publishFailed(error: unknown): void {
    console.warn("Publishing failed.", error);
    this.hint("Your camera and microphone could not be sent.");
  }

  #published(id: string, key: string, state: State): void {
    if (key === screenKey && id !== state.localParticipantId)
      this.#say(`${nameIn(state, id)} is sharing a screen`);
  }

  #censored(id: string, kind: string, state: State): void {
    if (kind === "audio") this.#quiet(id);
    if (id === state.localParticipantId)
      this.hint(kind === "audio" ? "A moderator muted you." : "A moderator stopped your picture.");
  }

  #uncensored(id: string, kind: string, state: State): void {
    if (id === state.localParticipantId)
      this.hint(
        kind === "audio" ? "A moderator lets you be heard again." : "A moderator lets you be seen again.",
      );
  }

  #heard(id: string): void {
    const { speaking, activeAt } = this.view.get();
    this.view.patch({
      activeAt: new Map(activeAt).set(id, this.#now()),
      ...(!speaking.has(id) && { speaking: new Set(speaking).add(id) }),
    });
  }

  #quiet(id: string): void {
    const { speaking } = this.view.get();
    if (!speaking.has(id)) return;
    const rest = new Set(speaking);
    rest.delete(id);
    this.view.patch({ speaking: rest });
  }

  #keepPrivate(room: Room, text: string, to: string, delivered: boolean): void {
    const { localParticipantId } = room.getState();
    this.#keep({ from: localParticipantId, name: this.#given.name, own: true, to, text, delivered });
  }

  #keep(entry: {
    from: string;
    name: string;
    own: boolean;
    to: string | null;
    text: string;
    delivered?: boolean;
  }): void {
    const whole = { delivered: true, ...entry, at: this.#now() };
    this.view.patch({ chat: chat(this.view.get().chat, { type: "message", entry: whole }) });
  }

  #say(said: string): void {
    this.view.patch({ said });
  }
}

function nameIn(state: State, id: string): string {
  return readName(state.participants.get(id)?.context);
}

function failureWords(code: string | undefined): string {
  switch (code) {
    case "message_too_large":
      return "The message is too long: 256 KiB is the limit.";
    case "forbidden":
    case "messages_disabled":
      return "This link does not let you send messages.";
    default:
      return "The message was not sent. Try again.";
  }
}

function recordingWords(recording: boolean): string {
  return recording ? "This call is being recorded" : "This call is no longer being recorded";
}
