// JSON.parse says where only in words that differ between browsers, and not where a value it read stood. This reader does both.

/** What is no JSON, and at which character that shows. */
export class JsonFault extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

export interface Read {
  value: unknown;
  /** Where each value begins, by its JSON Pointer (RFC 6901). */
  places: Map<string, number>;
}

/** How deep arrays and objects may lie in each other. */
const mostDepth = 50;

export const pointer = (...steps: (string | number)[]) =>
  steps.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** Reads JSON (RFC 8259), but for objects that have a name twice, which is a fault as well. Throws a JsonFault. */
export function readJson(text: string): Read {
  const reader = new Reader(text);
  const value = reader.value("", 0);
  reader.end();
  return { value, places: reader.places };
}

/** Line and column of a character, from 1. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

class Reader {
  readonly places = new Map<string, number>();
  #at = 0;

  constructor(private readonly text: string) {}

  value(path: string, depth: number): unknown {
    this.#space();
    if (depth > mostDepth) throw this.#fault("It is nested too deep");
    this.places.set(path, this.#at);
    const next = this.text[this.#at];
    if (next === "{") return this.#object(path, depth);
    if (next === "[") return this.#array(path, depth);
    if (next === '"') return this.#string();
    const word = this.#match(/true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y);
    if (word === undefined) throw this.#fault("A value is missing");
    return JSON.parse(word);
  }

  end(): void {
    this.#space();
    if (this.#at < this.text.length) throw this.#fault("Something follows the end");
  }

  #object(path: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    this.#at++;
    this.#space();
    if (this.#take("}")) return object;
    do {
      this.#space();
      if (this.text[this.#at] !== '"') throw this.#fault("A name in double quotes is missing");
      const begin = this.#at;
      const name = this.#string();
      if (name in object) throw new JsonFault(`The name “${name}” is there twice`, begin);
      this.#space();
      if (!this.#take(":")) throw this.#fault("A colon is missing");
      object[name] = this.value(path + pointer(name), depth + 1);
      this.#space();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#fault("A comma or a closing brace is missing");
    return object;
  }

  #array(path: string, depth: number): unknown[] {
    const array: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#take("]")) return array;
    do {
      array.push(this.value(path + pointer(array.length), depth + 1));
      this.#space();
    } while (this.#take(","));
    if (!this.#take("]")) throw this.#fault("A comma or a closing bracket is missing");
    return array;
  }

  #string(): string {
    const begin = this.#at;
    const word = this.#match(/"([^"\\]|\\.)*"/sy);
    if (word === undefined) throw this.#fault("A text has no end");
    try {
      return JSON.parse(word);
    } catch {
      throw new JsonFault("A text has a line break or a backslash in it that is not allowed there", begin);
    }
  }

  #match(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y);
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fault(message: string): JsonFault {
    return new JsonFault(message, this.#at);
  }
}
