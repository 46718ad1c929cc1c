import {
  type DataOptions,
  Encryption,
  type Events,
  type InitializeConfig,
  initialize,
  type Message,
  type Room,
  type State,
} from "@rotunda/video";

/** An event of the room as a test sees it, without the state. */
export interface Told {
  event: keyof Events;
  args: unknown[];
  /** `Date.now()` */
  at: number;
}

/** What the state says about a stream. */
export interface StreamSummary {
  id: string;
  audio: boolean;
  video: boolean;
  /** A moderator holds the audio back. */
  censored: boolean;
  configured: boolean;
}

/** Data as a test sees it: its length, and its first and last byte. */
export interface Received {
  from: string;
  topic: string;
  reliable: boolean;
  isPrivate: boolean;
  length: number;
  ends: [number | undefined, number | undefined];
}

export interface StateSummary {
  status: State["status"];
  self: string;
  /** Context by participant id. */
  contexts: Record<string, string | undefined>;
  /** By `participant id/key`. */
  streams: Record<string, StreamSummary>;
  /** `participant id/key` of what is subscribed. */
  subscriptions: string[];
}

/** A room, and what it and the browser tell of it. */
export class Reporting {
  readonly told: Told[] = [];
  readonly dataReceived: Received[] = [];
  /** The close codes of signalling sockets. */
  readonly closes: number[] = [];
  /** The kinds of which something could not be decrypted. */
  readonly unreadable = new Set<string>();
  readonly #connections: RTCPeerConnection[] = [];
  #encryption: Encryption | undefined;
  #room: Room | undefined;

  constructor() {
    const { closes } = this;
    const connections = this.#connections;
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
    globalThis.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("close", ({ code }) => closes.push(code));
      }
    };
  }

  setSecret(index: number, fill: number): void {
    this.#encryption?.setSecret(index, new Uint8Array(32).fill(fill));
  }

  get room(): Room {
    if (!this.#room) throw new Error("no room was initialized in this page");
    return this.#room;
  }

  /** With `secret`, a byte that fills it, what is sent and received is encrypted end to end. */
  async initialize({ secret, ...config }: InitializeConfig & { secret?: number }): Promise<string> {
    if (secret !== undefined) {
      this.#encryption = new Encryption(new Worker("/sdk/e2ee-worker.js"));
      this.#encryption.onUnreadable((kind) => this.unreadable.add(kind));
      this.setSecret(0, secret);
    }
    const room = await initialize({ ...config, encryption: this.#encryption });
    this.#room = room;
    const events = [
      "connected",
      "disconnected",
      "reconnecting",
      "reconnected",
      "participant_connection_changed",
      "participant_joined",
      "participant_leaving",
      "participant_left",
      "stream_published",
      "stream_unpublished",
      "recording_changed",
      "track_enabled",
      "track_disabled",
      "local_track_ended",
      "audio_blocked_changed",
      "track_censored",
      "track_uncensored",
      "audio_activity",
      "audio_activity_ended",
      "dominant_speaker_changed",
      "subscription_started",
      "subscription_reconfigured",
      "subscription_ended",
      "message_received",
      "error",
    ] as const;
    for (const event of events) {
      room.on(event, (...args: unknown[]) => {
        const plain = args.slice(0, -1).map((arg) => (arg instanceof Error ? String(arg) : arg));
        this.told.push({ event, args: plain, at: Date.now() });
      });
    }
    room.on("data_received", (from, { data, ...message }) => {
      this.dataReceived.push({ from, ...message, length: data.length, ends: [data[0], data.at(-1)] });
    });
    return room.getLocalParticipant().id;
  }

  summary(): StateSummary {
    const state = this.room.getState();
    const named = [...state.streams.values()].map((stream) => [
      `${stream.participantId}/${stream.key}`,
      {
        id: stream.id,
        audio: stream.isAudioEnabled,
        video: stream.isVideoEnabled,
        censored: stream.isAudioCensored,
        configured: stream.isConfigured,
      },
    ]);
    return {
      status: state.status,
      self: state.localParticipantId,
      contexts: Object.fromEntries([...state.participants].map(([id, { context }]) => [id, context])),
      streams: Object.fromEntries(named),
      subscriptions: [...state.subscriptions].flatMap(([id, byKey]) =>
        [...byKey.keys()].map((key) => `${id}/${key}`),
      ),
    };
  }

  send(payload: string, recipients?: string[]): Promise<string[]> {
    const message: Message = { type: "text", payload };
    return this.room.sendMessage(message, recipients);
  }

  /** Sends so many bytes, counting up from 1. */
  sendData(length: number, options: DataOptions): Promise<string[]> {
    return this.room.sendData(
      Uint8Array.from({ length }, (_, at) => at + 1),
      options,
    );
  }

  /** The number of lines (m= sections) of each connection that is not closed. */
  lines(): number[] {
    return this.#connections
      .filter((connection) => connection.connectionState !== "closed")
      .map((connection) => connection.localDescription?.sdp.match(/^m=/gm)?.length ?? 0);
  }

  /** How many connections were made so far. */
  connectionCount(): number {
    return this.#connections.length;
  }

  /** The way media goes, of the connection made last. */
  async route(): Promise<{ local: string; relayed?: string; protocol: string; remote: string }> {
    const pc = this.#connections.at(-1);
    const stats = [...((await pc?.getStats()) ?? new Map()).values()];
    const by = (id: unknown) => stats.find((one) => one.id === id);
    const pair = by(stats.find((one) => one.type === "transport")?.selectedCandidatePairId);
    const [local, remote] = [by(pair?.localCandidateId), by(pair?.remoteCandidateId)];
    return {
      local: local?.candidateType,
      relayed: local?.relayProtocol,
      protocol: remote?.protocol,
      remote: remote?.address,
    };
  }

  /** Has the connection say that it failed, whatever becomes of it, until there is another. */
  failMedia(): void {
    const [connection] = this.#connections;
    if (!connection) throw new Error("there is no connection");
    Object.defineProperty(connection, "connectionState", { value: "failed", configurable: true });
    const fail = setInterval(() => {
      if (connection.signalingState === "closed") {
        clearInterval(fail);
        Reflect.deleteProperty(connection, "connectionState");
      } else connection.onconnectionstatechange?.(new Event("connectionstatechange"));
    }, 100);
  }
}
