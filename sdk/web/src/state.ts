/**
 * Where a room is in its life. It only ever moves to the right, or from anywhere to `disconnected`. `reconnecting` is a `connected` whose
 * connection is lost for now; only rooms show it that were initialized with `reconnect: {status: true}`.
 */
export type Status = "initialized" | "connecting" | "connected" | "reconnecting" | "disconnected";

/** Whether the room was entered and not left, be its connection there or not. */
export function isInside(status: Status): boolean {
  return status === "connected" || status === "reconnecting";
}

/** Why a room ended. See the event `disconnected`. */
export type DisconnectReason =
  | "user_initiated"
  | "network_error"
  | "timed_out"
  | "session_terminated"
  | "kicked"
  | "unauthorized"
  | "forbidden"
  | "room_expired"
  | "replaced"
  | "unknown";

/** The kinds of media a stream carries, one track of each at the most. */
export type TrackKind = "audio" | "video";

/** A client in the room. */
export interface Participant {
  /** A UUID, made anew for each stay in a room. */
  readonly id: string;
  /** `local` is this client; `telephony_engine` joined by telephone and has no streams. */
  readonly origin: "local" | "remote" | "telephony_engine";
  /** The string its application gave to `initialize`. */
  readonly context?: string;
  /** What it publishes: key to stream id. */
  readonly streams: Readonly<Record<string, string>>;
  /** Whether it enabled messages. */
  readonly canReceiveMessages: boolean;
  /** Present while the server does not hear of its client and waits for it to come back. */
  readonly isConnectionLost?: true;
  /** Present for someone who came to watch, such as a member of the portal. The server says so; users should be told. */
  readonly isWatcher?: true;
}

/** Up to one audio and one video track, published together under a key that is unique per participant. */
export interface Stream {
  /** A UUID, given by the server; another one each time it is published. */
  readonly id: string;
  /** What it was published under: 1 to 64 bytes of UTF-8. */
  readonly key: string;
  /** Who publishes it. */
  readonly participantId: string;
  /** `local` is published by this client. */
  readonly origin: "local" | "remote";
  /** Local: a track was given and was enabled at the last `addStream` or `updateStream`. Remote: what its publisher announced. */
  readonly isAudioEnabled: boolean;
  /** The same for the picture. */
  readonly isVideoEnabled: boolean;
  /** Silenced by a moderator; its publisher cannot lift it. */
  readonly isAudioCensored: boolean;
  /** The same for the picture. */
  readonly isVideoCensored: boolean;
  /** Local: what was published. Remote: present while subscribed, whatever kinds the subscription has on. */
  readonly audioTrack?: MediaStreamTrack;
  /** The same for the picture. */
  readonly videoTrack?: MediaStreamTrack;
  /** Negotiation is finished: published (local) or subscribed (remote). */
  readonly isConfigured: boolean;
}

/** The wish to receive one remote stream, each kind on or off. */
export interface Subscription {
  /** The same as long as it lasts. */
  readonly id: string;
  /** Whose stream it is. */
  readonly participantId: string;
  /** Under which key it is published. */
  readonly key: string;
  /** Whether the sound is asked for. */
  readonly audio: boolean;
  /** Whether the picture is asked for. */
  readonly video: boolean;
  /** Why the picture is not sent for now: `bandwidth` says that the network carries too little. Absent while it is sent. */
  readonly videoPaused?: "bandwidth";
}

/**
 * Everything a room knows, as one immutable value that is replaced as a whole by each change. Keeping an old one is safe,
 * and comparing by identity tells whether something changed.
 */
export interface State {
  /** Where the room is in its life. */
  readonly status: Status;
  /** Changes only with `reconnected` and `{resumed: false}`: a stay in the room is a participant. */
  readonly localParticipantId: string;
  /** Participant id to participant. The local one is always in it. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** Stream id to stream, local ones included. */
  readonly streams: ReadonlyMap<string, Stream>;
  /** Participant id to key to subscription. */
  readonly subscriptions: ReadonlyMap<string, ReadonlyMap<string, Subscription>>;
  /** Whether anyone in the session is being recorded, or whoever comes will be. Users should be told. */
  readonly recording: boolean;
  /** Whether the browser holds back sound until the user touches the page; `startAudio()` in a click ends that. */
  readonly audioBlocked: boolean;
  /**
   * The id of the participant who has the word: who is heard speaking, or the last who was. `null` until someone spoke, and when
   * that one has left. May be this client.
   */
  readonly dominantSpeakerId: string | null;
  /**
   * Everybody else's sound in one track, subscribed or not: all there is to play for an application that does not play the
   * streams' own audio tracks. Present from `connected` until the end, unless `initialize` was given `mixedAudio: false`.
   */
  readonly mixedAudioTrack?: MediaStreamTrack;
}
