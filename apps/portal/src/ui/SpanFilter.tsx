import { useId, useState } from "react";
import { useZone, type Zone } from "../shell/zone";

/** A time as a field for date and time has it: YYYY-MM-DDTHH:MM in the zone. Empty without one. */
export function toField(at: string | undefined, zone: Zone): string {
  const time = at === undefined ? Number.NaN : Date.parse(at);
  if (Number.isNaN(time)) return "";
  const ahead = zone === "utc" ? 0 : -new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time + ahead).toISOString().slice(0, 16);
}

/** The time that such a field means. */
export function fromField(text: string, zone: Zone): string | undefined {
  const time = text === "" ? Number.NaN : Date.parse(zone === "utc" ? `${text}Z` : text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** Chooses a span of time that may be open at either end, in the zone of all times. */
export function SpanFilter({
  what,
  from,
  until,
  onChange,
}: {
  /** What happened in the span: "Joined". */
  what: string;
  from: string | undefined;
  until: string | undefined;
  onChange: (span: { from?: string | undefined; until?: string | undefined }) => void;
}) {
  const zone = useZone();
  const id = useId();
  return (
    <fieldset className="span-filter" aria-describedby={id}>
      <legend className="visually-hidden">{what}</legend>
      <Moment name={`${what} from`} at={from} zone={zone} onChange={(from) => onChange({ from })} />
      <Moment name="until" at={until} zone={zone} onChange={(until) => onChange({ until })} />
      <span className="visually-hidden" id={id}>
        {zone === "utc" ? "In UTC" : "In the zone of this browser"}
      </span>
    </fieldset>
  );
}

function Moment({
  name,
  at,
  zone,
  onChange,
}: {
  name: string;
  at: string | undefined;
  zone: Zone;
  onChange: (at: string | undefined) => void;
}) {
  const [draft, setDraft] = useState<string>(); // what is being typed, which nothing overwrites
  return (
    <label>
      {name}
      <input
        className="input"
        type="datetime-local"
        value={draft ?? toField(at, zone)}
        onChange={({ target }) => {
          setDraft(target.value);
          if (!target.value.startsWith("0")) onChange(fromField(target.value, zone)); // of a year, digits are missing
        }}
        onBlur={() => setDraft(undefined)}
      />
    </label>
  );
}
