/** What this browser keeps for the next visit. */
export interface Remembered {
  name: string;
  microphone?: string;
  camera?: string;
  speaker?: string;
}

type Shelf = Pick<Storage, "getItem" | "setItem">;

const place = "rotunda.sample";

export function recall(shelf: Shelf | undefined = shelfOf()): Remembered {
  try {
    const value = JSON.parse(shelf?.getItem(place) ?? "{}") as Record<string, unknown> | null;
    const text = (key: string) => (typeof value?.[key] === "string" ? (value[key] as string) : undefined);
    return pruned({
      name: text("name") ?? "",
      microphone: text("microphone"),
      camera: text("camera"),
      speaker: text("speaker"),
    });
  } catch {
    return { name: "" };
  }
}

/** Storage may be full or forbidden; then the next visit starts afresh. */
export function remember(part: Partial<Remembered>, shelf: Shelf | undefined = shelfOf()): void {
  try {
    shelf?.setItem(place, JSON.stringify({ ...recall(shelf), ...part }));
  } catch {
    return;
  }
}

function pruned(value: { name: string } & Record<string, string | undefined>): Remembered {
  return Object.fromEntries(
    Object.entries(value).filter(([, kept]) => kept !== undefined),
  ) as unknown as Remembered;
}

function shelfOf(): Shelf | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
