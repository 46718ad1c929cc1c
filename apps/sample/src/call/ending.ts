import type { Refusal } from "../entrance/pass";

/** How a call ended, for good. */
export type Ending =
  | "left"
  | "kicked"
  | "session_ended"
  | "room_deleted"
  | "room_full"
  | "token_expired"
  | "forbidden"
  | "replaced"
  | "demo_off"
  | "demo_secret"
  | "not_supported"
  | "failed";

export type Verdict = { kind: "end"; ending: Ending } | { kind: "renew" } | { kind: "retry" };

/** What follows when a call that was under way is over, by the SDK's reason. */
export function afterDisconnect(reason: string): Verdict {
  switch (reason) {
    case "user_initiated":
      return { kind: "end", ending: "left" };
    case "kicked":
      return { kind: "end", ending: "kicked" };
    case "session_terminated":
      return { kind: "end", ending: "session_ended" };
    case "room_expired":
      return { kind: "end", ending: "room_deleted" };
    case "forbidden":
      return { kind: "end", ending: "forbidden" };
    case "replaced":
      return { kind: "end", ending: "replaced" };
    case "unauthorized":
      return { kind: "renew" };
    default:
      return { kind: "retry" };
  }
}

/** What follows when joining failed, by the error's code. `renewed`: a fresh token has been tried already. */
export function afterFailedJoin(code: string | undefined, renewed: boolean): Verdict {
  switch (code) {
    case "unauthorized":
      return renewed ? { kind: "end", ending: "token_expired" } : { kind: "renew" };
    case "forbidden":
      return { kind: "end", ending: "forbidden" };
    case "room_not_found":
      return { kind: "end", ending: "room_deleted" };
    case "room_full":
      return { kind: "end", ending: "room_full" };
    case "not_supported":
      return { kind: "end", ending: "not_supported" };
    case "invalid_argument":
    case "invalid_state":
      return { kind: "end", ending: "failed" };
    default:
      return { kind: "retry" };
  }
}

/** What follows when no token could be had. */
export function afterRefusal(refusal: Refusal): Verdict {
  switch (refusal) {
    case "expired":
      return { kind: "end", ending: "token_expired" };
    case "demo_off":
      return { kind: "end", ending: "demo_off" };
    case "demo_secret":
      return { kind: "end", ending: "demo_secret" };
    case "server":
      return { kind: "end", ending: "failed" };
    case "unreachable":
      return { kind: "retry" };
  }
}

export interface Words {
  title: string;
  text: string;
  /** Whether joining again can work. */
  again: boolean;
}

export const endingWords: Record<Ending, Words> = {
  left: { title: "You left the call", text: "Camera and microphone are off.", again: true },
  kicked: {
    title: "You were removed from the call",
    text: "A moderator removed you. A new link from them lets you come back.",
    again: false,
  },
  session_ended: {
    title: "The session was ended",
    text: "A moderator ended the session for everyone.",
    again: true,
  },
  room_deleted: {
    title: "This room no longer exists",
    text: "It was deleted. Ask whoever invited you for a link to another room.",
    again: false,
  },
  room_full: {
    title: "The room is full",
    text: "No more participants are allowed at the moment. Try again when someone has left.",
    again: true,
  },
  token_expired: {
    title: "This link has expired",
    text: "The client token in it is no longer valid. Ask whoever invited you for a new link.",
    again: false,
  },
  forbidden: {
    title: "This link does not let you in",
    text: "The token in it does not permit joining this room. Ask whoever invited you for a new link.",
    again: false,
  },
  replaced: {
    title: "You joined from somewhere else",
    text: "The call goes on there. Joining here again ends it there.",
    again: true,
  },
  demo_off: {
    title: "This server is not in demo mode",
    text: "Demo links work while the server runs with “rotunda serve --demo”.",
    again: true,
  },
  demo_secret: {
    title: "This demo link is not valid",
    text: "Its secret is not the one of this server. Use the link that “rotunda serve --demo” printed last.",
    again: false,
  },
  not_supported: {
    title: "This browser cannot make calls",
    text: "It has no WebRTC, or it is turned off. A current Chrome, Edge, Firefox or Safari works.",
    again: false,
  },
  failed: {
    title: "The call could not be started",
    text: "The server refused the request in a way this page does not understand. The browser's console has the details.",
    again: true,
  },
};
