// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { formats, limits } from "./order";

const document = readFileSync(new URL("../../../../api/openapi.yaml", import.meta.url), "utf8");

/** A schema of the API's document, as text. */
function schema(name: string): string {
  const begin = document.indexOf(`\n    ${name}:\n`);
  const end = document.slice(begin + 1).search(/\n {4}\w+:\n/);
  if (begin < 0 || end < 0) throw new Error(`the document has no ${name}`);
  return document.slice(begin, begin + 1 + end);
}

it("the composer has the limits of the API", () => {
  const region = schema("Region");
  const order = schema("CompositionCreate");
  const { side, depth, grid, regionSide } = limits;
  expect(region).toContain(`x_pos: &position {type: [integer, 'null'], minimum: 0, maximum: ${side[1]}`);
  expect(region).toContain(`z_pos: {type: [integer, 'null'], minimum: -${depth}, maximum: ${depth}`);
  expect(region).toContain(
    `width: &extent {type: [integer, 'null'], minimum: ${regionSide}, maximum: ${side[1]}`,
  );
  expect(region).toContain(`max_columns: &grid {type: [integer, 'null'], minimum: 1, maximum: ${grid}`);
  expect(order).toContain(
    `Each is ${side[0]} to ${side[1]}, and the two multiplied at most ${limits.pixels}`,
  );
  expect(order).toContain(`maxProperties: ${limits.regions}`);
  expect(order).toContain(`propertyNames: {minLength: 1, maxLength: ${limits.name}}`);
  expect(order).toContain(`maxItems: ${limits.sources}`);
  expect(order).toContain(`enum: [${formats.map(([format]) => format).join(", ")}, null]`);
});
