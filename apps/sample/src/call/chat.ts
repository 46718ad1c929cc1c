/** The most messages kept in the page; older ones go, and the list says so. */
export const chatLimit = 1_000;

export interface ChatEntry {
  id: number;
  from: string;
  name: string;
  own: boolean;
  /** Name of the one recipient of a private message. */
  to: string | null;
  text: string;
  at: number;
  delivered: boolean;
}

export interface ChatLog {
  entries: readonly ChatEntry[];
  unread: number;
  dropped: number;
  open: boolean;
  next: number;
}

export type ChatEvent =
  | { type: "message"; entry: Omit<ChatEntry, "id"> }
  | { type: "open" }
  | { type: "close" };

export const emptyChat: ChatLog = { entries: [], unread: 0, dropped: 0, open: false, next: 1 };

export function chat(log: ChatLog, event: ChatEvent): ChatLog {
  switch (event.type) {
    case "open":
      return { ...log, open: true, unread: 0 };
    case "close":
      return { ...log, open: false };
    case "message": {
      const entries = [...log.entries, { ...event.entry, id: log.next }];
      const over = Math.max(0, entries.length - chatLimit);
      const unread = log.open || event.entry.own ? log.unread : log.unread + 1;
      return {
        ...log,
        entries: entries.slice(over),
        dropped: log.dropped + over,
        unread,
        next: log.next + 1,
      };
    }
  }
}
