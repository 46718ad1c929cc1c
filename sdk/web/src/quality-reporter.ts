import { type Measurement, reportBetween } from "./quality-report.js";
import type { Session } from "./session.js";

/** A longer time, in milliseconds, is none of one interval: the page slept. */
const LONGEST = 60_000;

/** Reports to the server what this client measures of its media, while the page is seen and the room connected. */
export class QualityReporter {
  readonly #session: Session;
  readonly #measure: () => Promise<Measurement | undefined>;
  #last: { measurement: Measurement; at: number } | undefined;

  constructor(session: Session, measure: () => Promise<Measurement | undefined>, interval: number) {
    this.#session = session;
    this.#measure = measure;
    const timer = setInterval(() => void this.#report(), interval);
    session.onEnd(() => clearInterval(timer));
  }

  async #report(): Promise<void> {
    const before = this.#last;
    this.#last = undefined;
    if (globalThis.document?.hidden || this.#session.channel.suspended) return;
    const measurement = await this.#measure().catch(() => undefined);
    if (!measurement || this.#session.ending) return;
    const at = performance.now();
    this.#last = { measurement, at };
    const interval = before ? at - before.at : 0;
    if (before?.measurement.connection !== measurement.connection || interval > LONGEST) return;
    // A report that is refused, or gets no answer, is of no use any more.
    this.#session.channel
      .request("report_quality", reportBetween(before.measurement, measurement, interval))
      .catch(() => {});
  }
}
