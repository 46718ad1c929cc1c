import type { Order } from "../api/types";
import { lanesOf, type Score } from "../playback/score";
import { ChoiceField } from "../ui/Field";
import { formats, frameOf, hasPicture, resized } from "./order";
import { Sources } from "./Sources";

const resolutions = ["1280x720", "960x540", "640x360", "720x1280", "640x640"];

/** What holds for the whole file: its format and frame, how pictures stand in regions, and what is heard. */
export function FrameSettings({
  order,
  score,
  onChange,
}: {
  order: Order;
  score: Score;
  onChange: (order: Order) => void;
}) {
  const { format, resolution, layout, audio_sources: heard } = order;
  const known = resolutions.includes(resolution) ? resolutions : [resolution, ...resolutions];
  return (
    <section className="frame-settings card" aria-label="The file">
      <ChoiceField
        label="Format"
        choices={formats}
        value={format}
        onChange={({ target }) => onChange({ ...order, format: target.value as Order["format"] })}
      />
      {hasPicture(order) && (
        <>
          <ChoiceField
            label="Frame"
            hint="Other sizes go into the JSON."
            choices={known.filter(frameOf).map((each) => [each, each.replace("x", " × ")])}
            value={resolution}
            onChange={({ target }) => onChange(resized(order, target.value))}
          />
          <ChoiceField
            label="When somebody comes or goes"
            choices={[
              ["reflow", "Divide regions anew"],
              ["fixed", "Nobody moves"],
            ]}
            value={layout.grid}
            onChange={({ target }) =>
              onChange({ ...order, layout: { ...layout, grid: target.value as Order["layout"]["grid"] } })
            }
          />
          <ChoiceField
            label="Pictures of another shape"
            choices={[
              ["letterbox", "All of it, with bars"],
              ["crop", "The middle of it"],
            ]}
            value={layout.fit}
            onChange={({ target }) =>
              onChange({ ...order, layout: { ...layout, fit: target.value as Order["layout"]["fit"] } })
            }
          />
          <label className="switch">
            <input
              type="checkbox"
              checked={layout.labels}
              onChange={({ target }) => onChange({ ...order, layout: { ...layout, labels: target.checked } })}
            />
            Names, and who is muted
          </label>
        </>
      )}
      <Sources
        label="Sound"
        all="Everybody"
        lanes={lanesOf({ ...score, parts: score.parts.filter(({ type }) => type === "audio") })}
        sources={heard}
        onChange={(audio_sources) => onChange({ ...order, audio_sources })}
      />
    </section>
  );
}
