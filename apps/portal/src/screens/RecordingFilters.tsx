import { IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import type { RecordingsSearch } from "../api/media";

type Filters = Omit<RecordingsSearch, "page">;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ids: [keyof Filters & ("session" | "room" | "participant"), string][] = [
  ["session", "Session id"],
  ["room", "Room id"],
  ["participant", "Participant id"],
];

/** What the API filters recordings by. Ids are taken when they are whole. */
export function RecordingFilters({
  filters,
  onChange,
  children,
}: {
  filters: Filters;
  onChange: (filters: Filters) => void;
  children: ReactNode;
}) {
  const set = <K extends keyof Filters>(name: K, value: Filters[K]) =>
    onChange({ ...filters, [name]: value || undefined });
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  return (
    <search className="filters sieve">
      <select
        className="select"
        aria-label="State"
        value={filters.status ?? ""}
        onChange={(event) => set("status", event.target.value as Filters["status"])}
      >
        <option value="">Every state</option>
        <option value="processing">In work</option>
        <option value="completed">Stored</option>
        <option value="failed">Failed</option>
      </select>
      <select
        className="select"
        aria-label="Kind"
        value={filters.type ?? ""}
        onChange={(event) => set("type", event.target.value as Filters["type"])}
      >
        <option value="">Every kind</option>
        <option value="video">Picture</option>
        <option value="audio">Sound</option>
      </select>
      <label>
        At least
        <input
          className="input"
          type="number"
          min={0}
          max={2147483647}
          value={filters.longer ?? ""}
          onChange={(event) => set("longer", event.target.valueAsNumber)}
        />
        seconds
      </label>
      <label>
        Began from
        <input
          className="input"
          type="date"
          value={filters.from ?? ""}
          onChange={(event) => set("from", event.target.value)}
        />
      </label>
      <label>
        until
        <input
          className="input"
          type="date"
          value={filters.until ?? ""}
          onChange={(event) => set("until", event.target.value)}
        />
        <span className="muted">UTC</span>
      </label>
      {ids.map(([name, label]) => (
        <IdField key={name} label={label} value={filters[name] ?? ""} onChange={(id) => set(name, id)} />
      ))}
      {isFiltered && (
        <button type="button" className="button" onClick={() => onChange({})}>
          <IconX size={16} aria-hidden />
          Clear
        </button>
      )}
      {children}
    </search>
  );
}

function IdField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (id: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const id = typed.trim();
  const isWrong = id !== "" && !uuid.test(id);
  return (
    <input
      className="input id-field"
      type="search"
      aria-label={label}
      placeholder={label}
      aria-invalid={isWrong ? true : undefined}
      title={isWrong ? "A whole id, such as 3b0e5c6d-9a44-4a53-8f0e-6a1c5d2f7e10" : undefined}
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value);
        const next = event.target.value.trim();
        if (next === "" || uuid.test(next)) onChange(next.toLowerCase());
      }}
    />
  );
}
