import { RoomError } from "./errors.js";

/** From everything to nothing; `WARN` is the default. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "TIME" | "WARN" | "ERROR" | "OFF";

/** Takes the log lines instead of the console. `console` itself fits. No line ever holds a token. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

const levels: readonly LogLevel[] = ["TRACE", "DEBUG", "INFO", "TIME", "WARN", "ERROR", "OFF"];

// One level for the page, as the API promises.
let threshold = levels.indexOf("WARN");

/** Sets the level of the page. Throws `invalid_argument` for anything that is not a level. */
export function setLogLevel(level: LogLevel): void {
  const index = levels.indexOf(level);
  if (index < 0) {
    throw new RoomError("invalid_argument", `logLevel must be one of ${levels.join(", ")}`);
  }
  threshold = index;
}

/** A logger that keeps to the level of the page. */
export function leveledLogger(target: Logger = console): Logger {
  const at =
    (level: LogLevel, write: "debug" | "info" | "warn" | "error") =>
    (message: string, ...details: unknown[]) => {
      if (levels.indexOf(level) >= threshold) target[write](`[rotunda] ${message}`, ...details);
    };
  return {
    debug: at("DEBUG", "debug"),
    info: at("INFO", "info"),
    warn: at("WARN", "warn"),
    error: at("ERROR", "error"),
  };
}
