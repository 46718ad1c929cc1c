import { useMutation } from "@tanstack/react-query";
import { type Call, sendOne } from "../../api/client";
import { countOf } from "./people";

export type Action = "mute" | "unmute" | "start_recording" | "stop_recording" | "kick";

interface Words {
  /** On the button. */
  name: string;
  /** While it goes on. */
  going: string;
  /** What happened to so many. */
  done: (people: string) => string;
  /** What is said when it changed nobody. */
  nobody: string;
}

export const actions: Record<Action, Words> = {
  mute: {
    name: "Mute",
    going: "Muting…",
    done: (people) => `Muted ${people}.`,
    nobody: "Nobody was changed: they were muted already.",
  },
  unmute: {
    name: "Unmute",
    going: "Unmuting…",
    done: (people) => `Unmuted ${people}.`,
    nobody: "Nobody was changed: no moderator had muted them.",
  },
  start_recording: {
    name: "Record",
    going: "Starting to record…",
    done: (people) => `Recording ${people}.`,
    nobody: "Nobody was changed: they were recorded already.",
  },
  stop_recording: {
    name: "Stop recording",
    going: "Stopping to record…",
    done: (people) => `No longer recording ${people}.`,
    nobody: "Nobody was changed: they were not recorded.",
  },
  kick: {
    name: "Remove",
    going: "Removing…",
    done: (people) => `Removed ${people}.`,
    nobody: "Nobody was there any more.",
  },
};

interface Changed {
  participants: string[];
}

export interface Deed {
  action: Action;
  body: unknown;
}

export const actionCall = (session: string, { action, body }: Deed): Call => ({
  method: "POST",
  path: `/room_sessions/${session}/actions/${action}`,
  body,
});

/** Acts on people of a session. What it did shows in the session, which the server pushes. */
export function useAct(session: string) {
  return useMutation({ mutationFn: (deed: Deed) => sendOne<Changed>(actionCall(session, deed)) });
}

/** What is said of an action that goes on or is done. */
export function outcome(act: ReturnType<typeof useAct>): string {
  if (!act.variables) return "";
  const words = actions[act.variables.action];
  if (act.isPending) return words.going;
  if (!act.data) return "";
  const n = act.data.participants.length;
  return n === 0 ? words.nobody : words.done(countOf(n));
}
