/** The longest name shown or sent. */
export const nameLimit = 60;

/** What this app tells others about its user. */
export function writeContext(name: string): string {
  return JSON.stringify({ name: tidy(name) });
}

/**
 * The name in another's context. A context is any string of any application, so everything is allowed for: JSON with `name`,
 * or `username` as other sample apps write it, perhaps one level down in `external`; a bare name; nothing.
 */
export function readName(context: string | undefined): string {
  if (!context) return "Guest";
  return tidy(nameIn(context)) || "Guest";
}

function nameIn(context: string): string {
  let value: unknown;
  try {
    value = JSON.parse(context);
  } catch {
    return looksLikeData(context) ? "" : context;
  }
  if (typeof value === "string") return value;
  return nameOf(value) || nameOf((value as { external?: unknown } | null)?.external);
}

function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const { name, username } = value as { name?: unknown; username?: unknown };
  if (typeof name === "string" && name.trim()) return name;
  return typeof username === "string" ? username : "";
}

function looksLikeData(text: string): boolean {
  return /^\s*[[{<]/.test(text);
}

/** One line of at most `nameLimit` characters, without control and direction characters that could disguise it. */
function tidy(name: string): string {
  const line = name
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  const characters = [...line];
  return characters.length <= nameLimit ? line : `${characters.slice(0, nameLimit - 1).join("")}…`;
}
