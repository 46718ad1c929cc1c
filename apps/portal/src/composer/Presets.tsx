import type { Order } from "../api/types";
import type { Score } from "../playback/score";
import { type FrameSize, frameOf, presets } from "./order";

/** Layouts to begin with. Each replaces what was drawn. */
export function Presets({
  order,
  score,
  onChange,
}: {
  order: Order;
  score: Score;
  onChange: (order: Order) => void;
}) {
  const frame = frameOf(order.resolution) as FrameSize;
  return (
    <fieldset className="presets">
      <legend className="visually-hidden">Layouts to begin with</legend>
      {presets.map(({ name, layout }) => {
        const regions = layout(frame, score);
        return (
          <button
            key={name}
            type="button"
            className="button"
            onClick={() => onChange({ ...order, video_layout: regions })}
          >
            <svg className="shape" viewBox={`0 0 ${frame.width} ${frame.height}`} aria-hidden="true">
              {Object.entries(regions).map(([region, { x_pos, y_pos, width, height }]) => (
                <rect
                  key={region}
                  x={x_pos}
                  y={y_pos}
                  width={width ?? frame.width - x_pos}
                  height={height ?? frame.height - y_pos}
                />
              ))}
            </svg>
            {name}
          </button>
        );
      })}
    </fieldset>
  );
}
