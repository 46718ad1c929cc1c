import { describe, expect, it } from "vitest";
import { nameLimit, readName, writeContext } from "./context";

describe("readName", () => {
  it.each([
    [undefined, "Guest"],
    ["", "Guest"],
    ['{"name":"Ana"}', "Ana"],
    ['{"username":"ken","id":7}', "ken"],
    ['{"name":"","username":"ken"}', "ken"],
    ['{"external":"{}"}', "Guest"],
    ['{"external":{"username":"zoe"}}', "zoe"],
    ['"Sam"', "Sam"],
    ["Marta", "Marta"],
    ["null", "Guest"],
    ["[1,2]", "Guest"],
    ["42", "Guest"],
    ['{"name":42}', "Guest"],
    ['{"name":{"first":"x"}}', "Guest"],
    ['{"broken', "Guest"],
    ["<b>x</b>", "Guest"],
    ["  \n ", "Guest"],
    ['{"name":"  two \\n  lines "}', "two lines"],
    ['{"name":"\\u202Eevil"}', "evil"],
  ])("reads %j as %j", (context, name) => {
    expect(readName(context)).toBe(name);
  });

  it("shortens long names without cutting a character in half", () => {
    const name = readName(JSON.stringify({ name: "😀".repeat(100) }));
    expect([...name]).toHaveLength(nameLimit);
    expect(name.endsWith("😀…")).toBe(true);
  });

  it("reads what it writes", () => {
    expect(readName(writeContext(' Ana "A" Duarte '))).toBe('Ana "A" Duarte');
  });
});
