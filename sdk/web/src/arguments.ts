import { RoomError } from "./errors.js";
import type { SubscriptionConfig } from "./options.js";

/** Throws `invalid_argument` unless it is a string that is not empty, as the checks below do of theirs. */
export function requireText(name: string, value: unknown): asserts value is string {
  if (typeof value !== "string" || value === "") {
    throw new RoomError("invalid_argument", `${name} must be a string that is not empty`);
  }
}

export function requireIds(name: string, value: unknown): asserts value is string[] {
  if (!Array.isArray(value) || value.some((id) => typeof id !== "string")) {
    throw new RoomError("invalid_argument", `${name} must be an array of participant ids`);
  }
}

export function requireSubscription(participantId: unknown, key: unknown, config: SubscriptionConfig): void {
  requireText("participantId", participantId);
  requireText("key", key);
  if (typeof config?.audio !== "boolean" || typeof config.video !== "boolean") {
    throw new RoomError("invalid_argument", "audio and video must be true or false");
  }
  const { quality, maxWidth, maxHeight } = config;
  for (const side of [maxWidth, maxHeight]) {
    if (side !== undefined && !(Number.isInteger(side) && side >= 1 && side <= 65_535)) {
      throw new RoomError("invalid_argument", "maxWidth and maxHeight must be 1 to 65535 pixels");
    }
  }
  if (quality !== undefined && !["low", "medium", "high"].includes(quality)) {
    throw new RoomError("invalid_argument", 'quality must be "low", "medium" or "high"');
  }
}
