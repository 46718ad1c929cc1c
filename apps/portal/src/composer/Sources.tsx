import type { Lane } from "../playback/score";

/**
 * Which recordings are used, chosen by stream: a stream may have several recordings, and is chosen with all of them. The number
 * behind a name is its turn.
 */
export function Sources({
  label,
  all,
  lanes,
  sources,
  onChange,
}: {
  label: string;
  /** What * means, in words. */
  all: string;
  lanes: Lane[];
  sources: string[];
  onChange: (sources: string[]) => void;
}) {
  const turns = lanes
    .filter(({ parts }) => parts.some(({ id }) => sources.includes(id)))
    .sort((a, b) => first(a, sources) - first(b, sources));
  const toggle = ({ parts }: Lane, on: boolean) => {
    const ids = parts.map(({ id }) => id);
    const left = sources.filter((id) => !ids.includes(id));
    const rest = left.includes("*") ? ["*"] : [];
    const named = left.filter((id) => id !== "*");
    onChange(on ? [...named, ...ids, ...rest] : left);
  };
  return (
    <fieldset className="choices sources">
      <legend>{label}</legend>
      <label>
        <input
          type="checkbox"
          checked={sources.includes("*")}
          onChange={({ target }) =>
            onChange(target.checked ? [...sources, "*"] : sources.filter((id) => id !== "*"))
          }
        />
        {all}
      </label>
      {lanes.map((lane) => (
        <label key={lane.key}>
          <input
            type="checkbox"
            checked={turns.includes(lane)}
            onChange={({ target }) => toggle(lane, target.checked)}
          />
          {lane.name}
          {turns.includes(lane) && <span className="muted figures">{turns.indexOf(lane) + 1}</span>}
        </label>
      ))}
    </fieldset>
  );
}

function first({ parts }: Lane, sources: string[]): number {
  return Math.min(...parts.map(({ id }) => sources.indexOf(id)).filter((i) => i >= 0));
}
