/**
 * A copy of an OpenAPI document in which the examples of optional query parameters and headers stand in their descriptions.
 * The viewer would put them into its form: a list that is tried out would be asked with every filter at once, and the second
 * request of anyone would be refused for having the idempotency key of the first.
 */
export function unfilled<T>(value: T): T {
  if (Array.isArray(value)) return value.map(unfilled) as T;
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unfilled(part)]));
  if (
    (copy.in === "query" || copy.in === "header") &&
    copy.schema &&
    copy.required !== true &&
    copy.example !== undefined
  ) {
    copy.description = `${copy.description ?? ""}\n\nExample: \`${copy.example}\``;
    delete copy.example;
  }
  return copy as T;
}
