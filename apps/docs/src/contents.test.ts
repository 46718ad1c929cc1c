import { expect, test } from "vitest";
import { anchorOf, chaptersOf, elementOf } from "./contents.js";

const document = {
  tags: [{ name: "Rooms" }, { name: "Empty" }, { name: "Webhook deliveries" }],
  paths: {
    "/deliveries": {
      get: { operationId: "listDeliveries", tags: ["Webhook deliveries"], summary: "List deliveries" },
    },
    "/rooms": {
      parameters: [],
      post: { operationId: "createRoom", tags: ["Rooms"], summary: "Create a room" },
      get: { operationId: "listRooms", tags: ["Rooms"] },
    },
    "/odd": { get: { operationId: "odd" } },
  },
};

test("operations are listed by tag, in the order of tags, paths and methods", () => {
  const chapters = chaptersOf(document);
  expect(chapters.map(({ name, entries }) => [name, ...entries.map(({ id }) => id)])).toEqual([
    ["Rooms", "listRooms", "createRoom"],
    ["Webhook deliveries", "listDeliveries"],
    ["Other", "odd"],
  ]);
  expect(chapters[0]?.entries[0]?.summary).toBe("/rooms");
});

test("an operation's address is one the viewer understands", () => {
  const chapter = chaptersOf(document)[1];
  expect(chapter && anchorOf(chapter, chapter.entries[0] as never)).toBe(
    "#/Webhook%20deliveries/listDeliveries",
  );
});

test("an address leads to the viewer's element", () => {
  expect(elementOf("#/Rooms/createRoom")).toBe("operations-Rooms-createRoom");
  expect(elementOf("#/Webhook%20deliveries/listDeliveries")).toBe(
    "operations-Webhook_deliveries-listDeliveries",
  );
  expect(elementOf("")).toBe("operations--");
});
