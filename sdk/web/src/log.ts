import { RoomError } from "./errors.js";

/** From everything to nothing; `WARN` is the default. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "TIME" | "WARN" | "ERROR" | "OFF";

/** Takes the log lines instead of the console. `console` itself fits. No line ever holds a token. */
export interface Logger {
  /** Steps on the way. */
  debug(message: string, ...details: unknown[]): void;
  /** What happens seldom and is no trouble. */
  info(message: string, ...details: unknown[]): void;
  /** What went wrong and was mended or told. */
  warn(message: string, ...details: unknown[]): void;
  /** What should not happen. */
  error(message: string, ...details: unknown[]): void;
}

/**
 * Takes the log lines as structured records, for an application with a log of its own. `fields` has the `roomId`, and the `cause`
 * if there is one. No field ever holds a token.
 */
export type LogFunction = (
  level: "DEBUG" | "INFO" | "WARN" | "ERROR",
  message: string,
  fields: { roomId?: string; cause?: unknown },
) => void;

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
export function leveledLogger(target: Logger | LogFunction = console, roomId?: string): Logger {
  const at = (level: Parameters<LogFunction>[0]) => {
    const write = typeof target === "function" ? record(target, level, roomId) : line(target, level);
    return (message: string, ...details: unknown[]) => {
      if (levels.indexOf(level) < threshold) return;
      try {
        write(message, details);
      } catch {
        // A log that cannot be written must not stop what it is about.
      }
    };
  };
  return { debug: at("DEBUG"), info: at("INFO"), warn: at("WARN"), error: at("ERROR") };
}

type Write = (message: string, details: unknown[]) => void;

function line(target: Logger, level: Parameters<LogFunction>[0]): Write {
  const method = level.toLowerCase() as keyof Logger;
  return (message, details) => target[method](`[rotunda] ${message}`, ...details);
}

function record(target: LogFunction, level: Parameters<LogFunction>[0], roomId?: string): Write {
  return (message, [cause]) => {
    target(level, message, {
      ...(roomId !== undefined && { roomId }),
      ...(cause !== undefined && { cause }),
    });
  };
}
