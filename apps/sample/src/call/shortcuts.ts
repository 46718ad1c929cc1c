import { useEffect, useRef } from "react";

export interface ShortcutActions {
  microphone(): void;
  camera(): void;
  share(): void;
  chat(): void;
  people(): void;
  help(): void;
  leave(): void;
  escape(): void;
  isMuted(): boolean;
  talk(on: boolean): void;
}

/** Keys and what they do, as shown to the user. */
export const shortcutHelp: readonly [key: string, meaning: string][] = [
  ["M", "Microphone on or off"],
  ["Space", "Talk while held, when muted"],
  ["V", "Camera on or off"],
  ["S", "Share a screen or stop"],
  ["C", "Chat"],
  ["P", "People"],
  ["L", "Leave, after a question"],
  ["?", "This list"],
  ["Esc", "Close what is open"],
];

type Name = "microphone" | "camera" | "share" | "chat" | "people" | "help" | "leave" | "escape";

const byKey: Record<string, Name> = {
  m: "microphone",
  v: "camera",
  s: "share",
  c: "chat",
  p: "people",
  l: "leave",
  "?": "help",
  escape: "escape",
};

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "repeat">;

/** What a key press means; null when it is text, belongs to the browser, or to the control that has the focus. */
export function meaningOf(press: Press, target: Element | null): Name | "talk" | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  if (press.key === "Escape") return "escape";
  if (target?.closest("input, textarea, select, [contenteditable]")) return null;
  if (press.key === " ") return target?.closest("button, a, summary, [role=button]") ? null : "talk";
  if (press.repeat) return null;
  return byKey[press.key.toLowerCase()] ?? null;
}

/** A click with the mouse leaves no focus on its button, so that Space is free for talking. The keyboard keeps its place. */
function giveBackFocus(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (event.detail > 0 && button && button === document.activeElement) button.blur();
}

export function useShortcuts(actions: ShortcutActions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });

  useEffect(() => {
    let talking = false;
    const release = () => {
      if (!talking) return;
      talking = false;
      latest.current.talk(false);
    };
    const down = (event: KeyboardEvent) => {
      const meaning = meaningOf(event, event.target instanceof Element ? event.target : null);
      if (!meaning) return;
      if (meaning === "talk") {
        event.preventDefault();
        if (event.repeat || talking || !latest.current.isMuted()) return;
        talking = true;
        latest.current.talk(true);
        return;
      }
      event.preventDefault();
      latest.current[meaning]();
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === " ") release();
    };
    window.addEventListener("keydown", down);
    window.addEventListener("click", giveBackFocus);
    window.addEventListener("keyup", up);
    // The key may be let go of where this page does not see it.
    window.addEventListener("blur", release);
    return () => {
      release();
      window.removeEventListener("keydown", down);
      window.removeEventListener("click", giveBackFocus);
      window.removeEventListener("keyup", up);
      window.removeEventListener("blur", release);
    };
  }, []);
}
