/** From everything to nothing; `WARN` is the default. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "TIME" | "WARN" | "ERROR" | "OFF";

/** Takes the log lines instead of the console. `console` itself fits. No line ever holds a token. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}
