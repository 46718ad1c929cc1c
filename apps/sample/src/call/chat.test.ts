import { expect, it } from "vitest";
import { type ChatLog, chat, chatLimit, emptyChat } from "./chat";

const entry = { from: "a", name: "Ana", own: false, to: null, text: "hi", at: 1, delivered: true };

it("counts what arrives while closed, and forgets the count when opened", () => {
  let log = chat(emptyChat, { type: "message", entry });
  log = chat(log, { type: "message", entry: { ...entry, own: true } });
  expect(log.unread).toBe(1);
  log = chat(log, { type: "open" });
  expect(log.unread).toBe(0);
  expect(chat(log, { type: "message", entry }).unread).toBe(0);
  expect(chat(chat(log, { type: "close" }), { type: "message", entry }).unread).toBe(1);
});

it("keeps the last messages and knows how many went", () => {
  let log: ChatLog = emptyChat;
  for (let at = 0; at < chatLimit + 3; at++)
    log = chat(log, { type: "message", entry: { ...entry, text: `${at}` } });
  expect(log.entries).toHaveLength(chatLimit);
  expect(log.dropped).toBe(3);
  expect(log.entries[0]?.text).toBe("3");
  expect(new Set(log.entries.map(({ id }) => id)).size).toBe(chatLimit);
});
