import { expect, test } from "vitest";
import { unfilled } from "./examples.js";

test("examples of optional query parameters and headers become words, all others stay", () => {
  const path = { name: "room_id", in: "path", required: true, example: "id" };
  const body = {
    schema: { properties: { in: { type: "string", example: "query" } } },
    example: { in: "query", example: 1 },
  };
  const document = {
    parameters: [
      { name: "filter", in: "query", schema: {}, description: "Only these.", example: "x" },
      { name: "Idempotency-Key", in: "header", schema: {}, description: "Once.\n", example: "y" },
      path,
    ],
    body,
  };
  expect(unfilled(document)).toEqual({
    parameters: [
      { name: "filter", in: "query", schema: {}, description: "Only these.\n\nExample: `x`" },
      { name: "Idempotency-Key", in: "header", schema: {}, description: "Once.\n\n\nExample: `y`" },
      path,
    ],
    body,
  });
  expect(document.parameters[0]).toHaveProperty("example", "x");
});
