import { RoomError } from "./errors.js";
import { onForeground } from "./foreground.js";
import type { MixedAudio } from "./media/mixed-audio.js";
import type { Session } from "./session.js";
import { isInside, type State } from "./state.js";

/** What makes a browser let go of sound that it held back. */
const gestures = ["pointerdown", "keydown", "touchend"] as const;

/** Plays the sound of a room, if the application wants it so, and knows whether the browser holds back sound. */
export class Playback {
  readonly #session: Session;
  readonly #mixed: MixedAudio | undefined;
  #plays: boolean;
  readonly #players = new Map<MediaStreamTrack, HTMLAudioElement>();
  /** Players that the browser refused to start. */
  readonly #held = new Set<HTMLAudioElement>();
  #mixBlocked = false;
  #output = "";

  /** `plays`: whether the SDK plays the sound. What is known of the mix holds in any case. */
  constructor(session: Session, mixed: MixedAudio | undefined, plays: boolean) {
    this.#session = session;
    this.#mixed = mixed;
    this.#plays = plays;
    if (mixed) {
      mixed.onBlocked = (blocked) => {
        this.#mixBlocked = blocked;
        this.#tell();
      };
    }
    this.#begin();
  }

  /** Lets the SDK play the sound from now on, or leaves that to the application. */
  set plays(plays: boolean) {
    this.#plays = plays;
    if (this.#session.ending) return;
    this.#follow(this.#session.state);
    this.#tell();
  }

  async start(): Promise<void> {
    try {
      await Promise.all([
        this.#mixed?.start(),
        ...[...this.#players.values()].map((player) => this.#play(player)),
      ]);
    } catch (cause) {
      throw new RoomError("playback_blocked", "the browser does not start the sound", { cause });
    }
    if (this.#held.size > 0)
      throw new RoomError("playback_blocked", "the browser still holds back the sound");
  }

  async setOutput(deviceId: string): Promise<void> {
    if (!this.#plays) {
      throw new RoomError("invalid_state", "without playAudio: true the application plays the sound itself");
    }
    if (!("setSinkId" in HTMLMediaElement.prototype)) {
      throw new RoomError("not_supported", "this browser does not let pages choose the device that plays");
    }
    try {
      // A player without sound finds out whether the device can be had, before any other changes.
      await new Audio().setSinkId(deviceId);
    } catch (cause) {
      const isMissing = (cause as { name?: string }).name === "NotFoundError";
      throw isMissing
        ? new RoomError("device_not_found", "there is no such output device", { cause })
        : new RoomError("permission_denied", "the browser does not give this output device", { cause });
    }
    this.#output = deviceId;
    await Promise.all([...this.#players.values()].map((player) => this.#route(player)));
  }

  #begin(): void {
    const again = () => this.#playAll();
    const unwatch = onForeground(again);
    for (const gesture of gestures) globalThis.document?.addEventListener(gesture, again, true);
    const devices = globalThis.navigator?.mediaDevices;
    const changed = () => void this.#checkOutput();
    devices?.addEventListener?.("devicechange", changed);
    this.#session.watch((state) => this.#follow(state));
    this.#session.onEnd(() => {
      unwatch();
      for (const gesture of gestures) globalThis.document?.removeEventListener(gesture, again, true);
      devices?.removeEventListener?.("devicechange", changed);
      for (const [track, player] of this.#players) this.#drop(track, player);
    });
  }

  /** Plays what is to be heard in this state, and nothing else. */
  #follow(state: State): void {
    if (this.#session.ending) return;
    const wanted = this.#plays ? audible(state) : new Set<MediaStreamTrack>();
    for (const [track, player] of this.#players) if (!wanted.has(track)) this.#drop(track, player);
    for (const track of wanted) {
      if (this.#players.has(track)) continue;
      const player = new Audio();
      player.autoplay = true;
      player.srcObject = new MediaStream([track]);
      this.#players.set(track, player);
      void this.#route(player);
      void this.#play(player);
    }
  }

  #playAll(): void {
    for (const player of this.#players.values()) if (player.paused) void this.#play(player);
  }

  async #play(player: HTMLAudioElement): Promise<void> {
    try {
      await player.play();
      this.#held.delete(player);
    } catch (error) {
      // Anything else is a player that was stopped before it began.
      if ((error as { name?: string }).name === "NotAllowedError" && player.srcObject) this.#held.add(player);
    }
    this.#tell();
  }

  async #route(player: HTMLAudioElement): Promise<void> {
    if (!("setSinkId" in player) || player.sinkId === this.#output) return;
    await player.setSinkId(this.#output).catch((error: unknown) => {
      this.#session.log.warn("a sound stays on the device it plays on", error);
    });
  }

  async #checkOutput(): Promise<void> {
    const lost = this.#output;
    if (lost === "") return;
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (this.#session.ending || this.#output !== lost) return;
    if (devices.some(({ kind, deviceId }) => kind === "audiooutput" && deviceId === lost)) return;
    this.#output = "";
    await Promise.all([...this.#players.values()].map((player) => this.#route(player)));
    this.#session.tell("audio_output_lost", lost);
  }

  #drop(track: MediaStreamTrack, player: HTMLAudioElement): void {
    player.pause();
    player.srcObject = null;
    this.#players.delete(track);
    this.#held.delete(player);
  }

  #tell(): void {
    this.#session.apply({ type: "audio_blocked", blocked: this.#mixBlocked || this.#held.size > 0 });
  }
}

/** The tracks to play: the mix if there is one, or else those of the streams that are subscribed with audio. */
function audible({ status, mixedAudioTrack, streams, subscriptions }: State): Set<MediaStreamTrack> {
  const tracks = new Set<MediaStreamTrack>();
  if (!isInside(status)) return tracks;
  if (mixedAudioTrack) return tracks.add(mixedAudioTrack);
  for (const { origin, audioTrack, participantId, key } of streams.values()) {
    const isSubscribed = subscriptions.get(participantId)?.get(key)?.audio === true;
    if (origin === "remote" && audioTrack && isSubscribed) tracks.add(audioTrack);
  }
  return tracks;
}
