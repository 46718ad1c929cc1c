import { IconArrowDown, IconArrowUp, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Order, Region } from "../api/types";
import { type Lane, lanesOf, type Score } from "../playback/score";
import { TextField } from "../ui/Field";
import { type FrameSize, folded, frameOf, limits } from "./order";
import { Sources } from "./Sources";

interface Props {
  order: Order;
  score: Score;
  name: string;
  onRename: (name: string) => void;
  onChange: (region: Region) => void;
  onRemove: () => void;
}

type NumberField = "x_pos" | "y_pos" | "width" | "height" | "max_columns" | "max_rows";

/** Everything of one region, in numbers and words. */
export function Inspector({ order, score, name, onRename, onChange, onRemove }: Props) {
  const region = order.video_layout[name] as Region;
  const frame = frameOf(order.resolution) as FrameSize;
  const number = (field: NumberField, label: string, least: number, most: number, hint: string) => (
    <TextField
      label={label}
      type="number"
      min={least}
      max={most}
      placeholder={hint}
      value={region[field] ?? ""}
      onChange={({ target }) => {
        const isEmpty = target.value === "";
        if (isEmpty && (field === "x_pos" || field === "y_pos")) return;
        if (isEmpty) onChange({ ...region, [field]: null });
        else if (Number.isInteger(target.valueAsNumber))
          onChange({ ...region, [field]: target.valueAsNumber });
      }}
    />
  );
  const lanes: Lane[] = lanesOf({ ...score, parts: score.parts.filter(({ type }) => type === "video") });
  return (
    <section className="inspector card" aria-label={`Region ${name}`}>
      <NameField
        name={name}
        others={Object.keys(order.video_layout).filter((each) => each !== name)}
        onRename={onRename}
      />
      <div className="numbers">
        {number("x_pos", "Left", 0, frame.width - limits.regionSide, "0")}
        {number("y_pos", "Top", 0, frame.height - limits.regionSide, "0")}
        {number("width", "Width", limits.regionSide, frame.width - region.x_pos, "to the edge")}
        {number("height", "Height", limits.regionSide, frame.height - region.y_pos, "to the edge")}
        {number("max_columns", "Columns at most", 1, limits.grid, "as needed")}
        {number("max_rows", "Rows at most", 1, limits.grid, "as needed")}
      </div>
      <div className="actions">
        <span className="depth">
          Depth <output className="figures">{region.z_pos}</output>
        </span>
        <button
          type="button"
          className="icon-button"
          aria-label="Nearer"
          disabled={region.z_pos >= limits.depth}
          onClick={() => onChange({ ...region, z_pos: region.z_pos + 1 })}
        >
          <IconArrowUp size={18} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label="Farther"
          disabled={region.z_pos <= -limits.depth}
          onClick={() => onChange({ ...region, z_pos: region.z_pos - 1 })}
        >
          <IconArrowDown size={18} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={`Remove region ${name}`}
          disabled={Object.keys(order.video_layout).length === 1}
          onClick={onRemove}
        >
          <IconTrash size={18} />
        </button>
      </div>
      <Sources
        label="Pictures"
        all="Everybody, as they come"
        lanes={lanes}
        sources={region.video_sources}
        onChange={(video_sources) => onChange({ ...region, video_sources })}
      />
    </section>
  );
}

function NameField({
  name,
  others,
  onRename,
}: {
  name: string;
  others: string[];
  onRename: (name: string) => void;
}) {
  const [typed, setTyped] = useState(name);
  useEffect(() => setTyped(name), [name]);
  const isTaken = others.some((other) => folded(other) === folded(typed));
  const good = typed !== "" && !isTaken;
  return (
    <TextField
      label="Name"
      maxLength={limits.name}
      value={typed}
      fault={good ? undefined : isTaken ? "Another region has this name." : "A region has a name."}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={() => good && typed !== name && onRename(typed)}
      onKeyDown={(event) => event.key === "Enter" && good && typed !== name && onRename(typed)}
    />
  );
}
