import { describe, expect, it } from "vitest";
import { daysBefore, daysOf, fillDays, type Usage } from "./usage";

describe("days of usage", () => {
  it("are counted over ends of months, and of summer time", () => {
    expect(daysOf("2026-03-28", "2026-04-02")).toEqual([
      "2026-03-28",
      "2026-03-29",
      "2026-03-30",
      "2026-03-31",
      "2026-04-01",
      "2026-04-02",
    ]);
    expect(daysBefore("2026-03-01", 29)).toBe("2026-01-31");
  });

  it("without a line go on storing what was stored", () => {
    const line = (date: string, participant_minutes: number, stored_mb: number) =>
      ({ date, participant_minutes, stored_mb }) as Usage;
    const filled = fillDays(
      ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"],
      [line("2026-11-04", 7, 1), line("2026-11-02", 5, 3)],
    );
    expect(filled.map((day) => [day.participant_minutes, day.stored_mb])).toEqual([
      [0, null],
      [5, 3],
      [0, 3],
      [7, 1],
    ]);
  });
});
