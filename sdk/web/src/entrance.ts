import { AutoSubscriber } from "./auto-subscriber.js";
import { Call } from "./call.js";
import { watchEndedTracks } from "./ended-tracks.js";
import { RoomError } from "./errors.js";
import { uuid } from "./ids.js";
import type { InitializeConfig } from "./options.js";
import { Playback } from "./playback.js";
import { QualityReporter } from "./quality-reporter.js";
import { ATTEMPT_TIMEOUT, Reconnector } from "./reconnector.js";
import type { Session } from "./session.js";
import type { HelloReply, JoinReply, SnapshotFrame } from "./signal/frames.js";
import { TokenRefresher } from "./token-refresher.js";
import { version } from "./version.js";

/** How long entering may take, in milliseconds. */
export const CONNECT_TIMEOUT = 30_000;

/** Enters the room, and again when its connection was lost, and holds what came of it: the call, its sound and the tokens. */
export class Entrance {
  readonly tokens: TokenRefresher;
  readonly #session: Session;
  readonly #config: InitializeConfig;
  readonly #reconnector: Reconnector | undefined;
  #hello: HelloReply;
  #call: Call | undefined;
  #playback: Playback | undefined;
  #playsAudio: boolean;

  constructor(session: Session, config: InitializeConfig, hello: HelloReply) {
    this.#session = session;
    this.#config = config;
    this.#hello = hello;
    this.#playsAudio = config.playAudio === true;
    const { clientToken, tokenProvider } = config;
    this.tokens = new TokenRefresher(session, clientToken, hello.token_expires_at, tokenProvider);
    if (config.reconnect !== false) this.#reconnector = this.#reconnects();
  }

  /** What the server said last about itself and the token. */
  get hello(): HelloReply {
    return this.#hello;
  }

  /** There once entering began. */
  get call(): Call | undefined {
    return this.#call;
  }

  get playback(): Playback | undefined {
    return this.#playback;
  }

  /** Whether the SDK plays the sound, now or once there is any. */
  set playsAudio(on: boolean) {
    this.#playsAudio = on;
    if (this.#playback) this.#playback.plays = on;
  }

  /** Enters for the first time. */
  async enter(): Promise<void> {
    const session = this.#session;
    let call: Call | undefined;
    const joined = session.channel.request(
      "join",
      this.#joining(session.state.localParticipantId),
      (reply) => {
        const mixedAudioTrack = call?.mixedAudioTrack;
        this.#reconnector?.entered(reply);
        this.#reconnector?.start();
        session.apply({ type: "joined", ...snapshotOf(reply), mixedAudioTrack });
        const { quality_interval_secs } = this.#hello;
        if (quality_interval_secs && this.#config.reportQuality !== false)
          new QualityReporter(session, async () => this.#call?.measure(), quality_interval_secs * 1000);
        call?.activity.speakers(reply.speakers?.streams ?? []);
      },
      CONNECT_TIMEOUT,
    );
    // The media is set up, and its first offer made, while the server lets this client in.
    joined.catch(() => {});
    const mayReceive = this.#hello.grants.subscribe;
    const messages = this.#config.enableMessages === true;
    call = new Call(
      session,
      this.#configuration(),
      {
        mayReceive,
        mixes: this.#config.mixedAudio !== false,
        messages,
        obeys: this.#config.iceServers === undefined,
        encryption: this.#config.encryption,
        requireSealed: () => this.#requireSealed(),
      },
      this.#reconnector,
    );
    this.#call = call;
    this.#playback = new Playback(session, call.mixedAudio, this.#playsAudio);
    watchEndedTracks(session, call.publisher);
    if (mayReceive) queueMicrotask(() => call.subscriber.prepare());
    else if (messages) queueMicrotask(() => call.offerData());
    const { autoSubscribe } = this.#config;
    if (autoSubscribe && mayReceive) new AutoSubscriber(session, call.subscriber, autoSubscribe);
    await joined;
  }

  #joining(participant_id: string) {
    const { context, enableMessages } = this.#config;
    return {
      participant_id,
      ...(context !== undefined && { context }),
      receives_messages: enableMessages === true,
    };
  }

  /** In a room that is encrypted from end to end nothing may be sent in the clear. */
  #requireSealed(): void {
    if (this.#hello.room.e2ee && !this.#config.encryption?.hasSecret) {
      throw new RoomError(
        "encryption_required",
        "the room is encrypted from end to end, and no secret is set",
      );
    }
  }

  #configuration(): RTCConfiguration {
    const { iceServers, iceTransportPolicy } = this.#config;
    return {
      iceServers: iceServers ?? this.#hello.ice_servers,
      ...(iceTransportPolicy && { iceTransportPolicy }),
    };
  }

  #reconnects(): Reconnector {
    const { reconnect } = this.#config;
    return new Reconnector(this.#session, this.tokens, typeof reconnect === "object" ? reconnect : {}, {
      rejoin: () => this.#rejoin(),
      resumed: ({ ice_servers, snapshot }) => {
        this.#hello = { ...this.#hello, ice_servers };
        if (!snapshot) return;
        this.#call?.publisher.keepOnly(new Set(snapshot.streams.map(({ id }) => id)));
        this.#call?.activity.speakers(snapshot.speakers?.streams ?? []);
      },
      socketLost: () => this.#call?.socketLost(),
      networkChanged: () => this.#call?.networkChanged(this.#configuration().iceServers),
    });
  }

  /** Enters the room again, as another participant, with what this one published and received. */
  async #rejoin(): Promise<void> {
    const session = this.#session;
    const { channel } = session;
    const { token } = this.tokens;
    const hello = { version: 1 as const, token, client: { name: "@rotunda/video", version } };
    await channel.handshake(
      "hello",
      hello,
      (reply) => {
        this.#hello = reply;
        this.tokens.accepted(reply.token_expires_at);
      },
      ATTEMPT_TIMEOUT,
    );
    const localParticipantId = uuid();
    await channel.handshake(
      "join",
      this.#joining(localParticipantId),
      (reply) => {
        this.#reconnector?.entered(reply);
        channel.restart();
        session.apply({ type: "rejoined", localParticipantId, ...snapshotOf(reply) });
        this.#call?.renew(this.#configuration());
        this.#call?.activity.speakers(reply.speakers?.streams ?? []);
      },
      CONNECT_TIMEOUT,
    );
  }
}

function snapshotOf({ participants, streams, recording, speakers }: JoinReply): SnapshotFrame {
  return {
    participants,
    streams,
    ...(recording !== undefined && { recording }),
    ...(speakers && { speakers }),
  };
}
