/**
 * What went wrong, in a form that programs can rely on. The codes never change their meaning; the messages may.
 *
 * | code | meaning |
 * | --- | --- |
 * | `invalid_argument` | an argument is missing, of the wrong type or out of range |
 * | `invalid_state` | the method was called too early, twice, or after the end of the room |
 * | `unauthorized` | the token is missing, forged, expired or of another room |
 * | `forbidden` | the token does not grant this, or a moderator removed the participant |
 * | `room_not_found` | there is no such room, or it was deleted |
 * | `room_full` | the room has no seat left |
 * | `identity_in_use` | someone with the token's identity is in the room, and the server lets each in once |
 * | `timed_out` | no answer in time |
 * | `network_error` | the connection could not be made, or was lost |
 * | `unavailable` | the server cannot do this now; trying again later may help |
 * | `overloaded` | the server carries as much media as it can; try again later |
 * | `key_in_use` | a stream is published under this key already, or is about to be |
 * | `too_many_streams` | the participant publishes as many streams as the server allows |
 * | `stream_not_found`, `participant_not_found`, `subscription_not_found` | there is no such thing in the room |
 * | `stream_gone` | the stream was withdrawn while it was being subscribed |
 * | `not_supported` | the browser or the server lacks a feature that this needs |
 * | `messages_disabled` | the room was initialized without `enableMessages: true` |
 * | `message_invalid`, `message_too_large` | the message has no type or payload, or is beyond the limit of the server |
 * | `rate_limited` | more was sent in a second than the server takes; send it again in a moment |
 * | `media_failed` | the media connection could not be negotiated, or failed and could not be restarted |
 * | `permission_denied`, `permission_dismissed` | the user or the browser refused a device or the screen, or closed the question |
 * | `insecure_page` | the page was opened over plain HTTP, where browsers give no device |
 * | `device_not_found`, `device_in_use`, `device_lost` | there is no such device, another program has it, or it was unplugged while in use |
 * | `encryption_required` | the room is encrypted from end to end, and there is no `encryption`, or no secret in it yet |
 * | `playback_blocked` | the browser plays no sound before the user touched the page |
 * | `invalid_frame` | the server said something that this SDK does not understand |
 */
export type ErrorCode =
  | "invalid_argument"
  | "invalid_state"
  | "unauthorized"
  | "forbidden"
  | "room_not_found"
  | "room_full"
  | "identity_in_use"
  | "timed_out"
  | "network_error"
  | "unavailable"
  | "overloaded"
  | "key_in_use"
  | "too_many_streams"
  | "stream_not_found"
  | "participant_not_found"
  | "subscription_not_found"
  | "stream_gone"
  | "not_supported"
  | "messages_disabled"
  | "message_invalid"
  | "message_too_large"
  | "rate_limited"
  | "media_failed"
  | "permission_denied"
  | "permission_dismissed"
  | "insecure_page"
  | "device_not_found"
  | "device_in_use"
  | "device_lost"
  | "encryption_required"
  | "playback_blocked"
  | "invalid_frame";

/** Every error this SDK rejects with, throws or emits. `cause` holds the error beneath it, if there is one. */
export class RoomError extends Error {
  override readonly name = "RoomError";

  constructor(
    /** What went wrong, for programs. */
    readonly code: ErrorCode,
    /** What went wrong, for humans. */
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
