import { RoomError } from "../errors.js";

/** Why a device or the screen could not be captured, in the terms of this SDK. `what` names it for humans. */
export function captureFailure(error: unknown, what: string): RoomError {
  if (error instanceof RoomError) return error;
  const { name, message } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      // Chromium tells by the message alone that the question was closed; permission may be asked for again.
      return /dismissed/i.test(message ?? "")
        ? new RoomError("permission_dismissed", `${what}: the question was closed`, { cause: error })
        : new RoomError("permission_denied", `${what}: not allowed`, { cause: error });
    case "NotFoundError":
    case "OverconstrainedError":
      return new RoomError("device_not_found", `${what}: there is none that fits`, { cause: error });
    case "NotReadableError":
    case "AbortError":
      return new RoomError("device_in_use", `${what}: in use by another program`, { cause: error });
    default:
      return new RoomError("media_failed", `${what}: could not be opened`, { cause: error });
  }
}

/** Throws if this page cannot ask for devices at all. */
export function requireCapture(method: "getUserMedia" | "getDisplayMedia"): void {
  if (globalThis.isSecureContext === false) {
    throw new RoomError("insecure_page", "browsers give devices to pages over HTTPS or on localhost only");
  }
  if (typeof globalThis.navigator?.mediaDevices?.[method] !== "function") {
    throw new RoomError("not_supported", `this browser has no ${method}`);
  }
}
