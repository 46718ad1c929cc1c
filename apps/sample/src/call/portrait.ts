/** What stands for a person without a picture. */
export interface Portrait {
  initials: string;
  /** Degrees, 0 to 359, the same for the same id everywhere. */
  hue: number;
}

export function portraitOf(id: string, name: string): Portrait {
  return { initials: initialsOf(name), hue: hueOf(id) };
}

export function initialsOf(name: string): string {
  const words = name.split(/[\s_.@-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = words[0];
  if (!first) return "?";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return [first, last].map(firstLetter).join("").toLocaleUpperCase();
}

function firstLetter(word: string | undefined): string {
  return [...(word ?? "")].find((character) => /[\p{L}\p{N}]/u.test(character)) ?? "";
}

/** FNV-1a over the id, spread over the circle. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % 360;
}
