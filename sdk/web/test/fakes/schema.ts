import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** The schema of the protocol: no frame of a test may be one that server or client would never send. */
const schema = JSON.parse(
  readFileSync(new URL("../../../../api/signalling.schema.json", import.meta.url), "utf8"),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(schema);

const compiled = new Map<string, ValidateFunction>();

/** Throws unless the value is what the schema calls `name`. */
export function mustBe(name: string, value: unknown): void {
  const validate = compiled.get(name) ?? ajv.compile({ $ref: `${schema.$id}#/$defs/${name}` });
  compiled.set(name, validate);
  if (!validate(value)) {
    throw new Error(`${JSON.stringify(value)} is no ${name}: ${ajv.errorsText(validate.errors)}`);
  }
}

/** `send_message` → `SendMessage`. */
export function pascalCase(type: string): string {
  return type.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
