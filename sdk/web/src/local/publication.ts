import type { RoomError } from "../errors.js";
import type { AudioPublishOptions, StreamTracks, VideoPublishOptions } from "../options.js";
import { trackOf } from "../publisher.js";
import type { Room } from "../room.js";
import { isInside } from "../state.js";
import type { LocalMediaState } from "./local-media.js";

/** How local media is published. */
export interface PublicationOptions {
  /** The key of camera and microphone; `self` by default. */
  key?: string;
  /** The key of the screen; `presentation` by default. */
  screenKey?: string;
  /** How the microphone is sent. */
  audio?: AudioPublishOptions;
  /** How the camera is sent; with simulcast by default. */
  video?: VideoPublishOptions;
  /** How the sound of the screen is sent. */
  screenAudio?: AudioPublishOptions;
  /** How the picture of the screen is sent. */
  screenVideo?: VideoPublishOptions;
  /** Hears what could not be published, such as `forbidden` for a token without that grant. */
  onError?: (error: RoomError) => void;
}

/** What the publication needs of its source. */
interface Source {
  getState(): LocalMediaState;
  on(event: "changed", callback: () => void): () => void;
}

/** Keeps one stream of a room in step with a source. Changes during one step are joined into the next. */
class Follower {
  readonly #room: Room;
  readonly #key: string;
  readonly #wanted: () => StreamTracks | undefined;
  readonly #failed: (error: RoomError) => void;
  #published = false;
  #done = "";
  #stopped = false;
  #running: Promise<void> | undefined;

  /** `wanted` gives the tracks to publish, or nothing if there is to be no such stream. */
  constructor(
    room: Room,
    key: string,
    wanted: () => StreamTracks | undefined,
    failed: (error: RoomError) => void,
  ) {
    this.#room = room;
    this.#key = key;
    this.#wanted = wanted;
    this.#failed = failed;
  }

  sync(): Promise<void> {
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.sync();
  }

  async #follow(): Promise<void> {
    for (;;) {
      const tracks = this.#stopped ? undefined : this.#wanted();
      const word = describe(tracks);
      const { status, localParticipantId } = this.#room.getState();
      if (word === this.#done || !isInside(status)) return;
      try {
        await this.#step(tracks);
      } catch (error) {
        const now = this.#room.getState();
        if (!isInside(now.status)) return;
        // What was lost with the stay before is done in this one.
        if (now.localParticipantId !== localParticipantId) continue;
        this.#failed(error as RoomError);
      }
      this.#done = word;
    }
  }

  async #step(tracks: StreamTracks | undefined): Promise<void> {
    const room = this.#room;
    // A stream that was withdrawn by others, or could not be published again, is published anew.
    if (tracks && this.#published && (await isThere(room.updateStream(this.#key, tracks)))) return;
    if (!tracks && this.#published) await isThere(room.removeStream(this.#key));
    this.#published = false;
    if (!tracks) return;
    await room.addStream(this.#key, tracks);
    this.#published = true;
  }
}

/** Reports false if there is no such stream any more. */
async function isThere(operation: Promise<void>): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if ((error as RoomError).code === "stream_not_found") return false;
    throw error;
  }
}

/** Local media that is being published in a room, until it is stopped or the room ends. */
export class Publication {
  readonly #followers: Follower[];
  readonly #unwatch: () => void;

  /** @internal */
  constructor(room: Room, source: Source, options: PublicationOptions) {
    const { key = "self", screenKey = "presentation", onError = () => {} } = options;
    let hasBegun = false;
    const devices = () => {
      const { microphone, camera } = source.getState();
      const sound = microphone.interrupted ? undefined : microphone.track;
      const picture = camera.interrupted ? undefined : camera.track;
      // Nothing is published before there was any device.
      hasBegun ||= sound !== undefined || picture !== undefined;
      // Simulcast is said even without a camera: it is decided once, and the camera may come later.
      const video = { enableSimulcast: true, ...options.video };
      return hasBegun ? sent(sound, options.audio, picture, video) : undefined;
    };
    const screen = () => {
      const { screen } = source.getState();
      return screen && sent(screen.audio, options.screenAudio, screen.video, options.screenVideo);
    };
    this.#followers = [
      new Follower(room, key, devices, onError),
      new Follower(room, screenKey, screen, onError),
    ];
    const unwatch = [
      source.on("changed", () => this.#sync()),
      room.on("connected", () => this.#sync()),
      room.on("disconnected", () => this.#unwatch()),
    ];
    this.#unwatch = () => {
      for (const stop of unwatch) stop();
    };
    this.#sync();
  }

  /** Withdraws what was published; the devices stay as they are. */
  async stop(): Promise<void> {
    this.#unwatch();
    await Promise.all(this.#followers.map((follower) => follower.stop()));
  }

  #sync(): void {
    for (const follower of this.#followers) void follower.sync();
  }
}

function sent(
  sound: MediaStreamTrack | undefined,
  audio: AudioPublishOptions = {},
  picture: MediaStreamTrack | undefined,
  video: VideoPublishOptions = {},
): StreamTracks {
  return {
    audio: { track: sound, options: audio },
    video: { track: picture, options: video },
  } as StreamTracks;
}

/** The tracks as one word to compare. */
function describe(tracks: StreamTracks | undefined): string {
  if (!tracks) return "";
  const { audio, video } = tracks;
  const [sound, picture] = [trackOf(audio), trackOf(video)];
  return `${sound?.id ?? "-"} ${sound?.enabled ?? false} ${picture?.id ?? "-"}`;
}
