import { type Lane, lanesOf, piecesOf, type Score } from "./score";

const percent = (part: number, whole: number) => `${(100 * part) / (whole || 1)}%`;

/** Who was seen and heard when: a lane for each stream, pictures above sound, and a cursor where the clock stands. */
export function Lanes({ score, at, onSeek }: { score: Score; at: number; onSeek: (at: number) => void }) {
  return (
    // The slider beside it does the same by keyboard.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div
      className="lanes"
      onClick={(event) => {
        const axis = (event.target as Element).closest(".axis")?.getBoundingClientRect();
        if (axis) onSeek(((event.clientX - axis.left) / axis.width) * score.length);
      }}
    >
      {lanesOf(score).map((lane) => (
        <OneLane key={lane.key} lane={lane} length={score.length} at={at} />
      ))}
    </div>
  );
}

function OneLane({ lane, length, at }: { lane: Lane; length: number; at: number }) {
  return (
    <div className="lane">
      <span className="name">{lane.name}</span>
      <div className="axis">
        {lane.parts.flatMap((part) =>
          piecesOf(part).map(({ from, until }) => {
            const place = { left: percent(from, length), width: percent(until - from, length) };
            return <span key={`${part.id} ${from}`} className="span" data-type={part.type} style={place} />;
          }),
        )}
        <span className="cursor" style={{ left: percent(at, length) }} />
      </div>
    </div>
  );
}
