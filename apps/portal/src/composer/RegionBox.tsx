import { type PointerEvent as Drag, type KeyboardEvent, useRef } from "react";
import { type Box, grain, moved, percentages, rested, stretched } from "./box";
import type { FrameSize } from "./order";

interface Props {
  name: string;
  depth: number;
  /** Where it lies among the others, counted from below. */
  layer: number;
  box: Box;
  frame: FrameSize;
  chosen: boolean;
  onChoose: () => void;
  onChange: (box: Box) => void;
  onDepth: (by: number) => void;
  onRemove: () => void;
}

const handles = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const arrows: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** A region over the frame. It is dragged by itself and its handles; keys move it, with Shift they move its right lower corner. */
export function RegionBox({
  name,
  depth,
  layer,
  box,
  frame,
  chosen,
  onChoose,
  onChange,
  onDepth,
  onRemove,
}: Props) {
  const drag = useRef<{ edges: string; x: number; y: number; box: Box }>(undefined);
  const begin = (event: Drag<HTMLElement>) => {
    if (event.button !== 0 || event.shiftKey) return;
    const edges = (event.target as HTMLElement).dataset.edges ?? "";
    event.currentTarget.setPointerCapture(event.pointerId);
    event.stopPropagation();
    drag.current = { edges, x: event.clientX, y: event.clientY, box };
    onChoose();
  };
  const move = (event: Drag<HTMLElement>) => {
    const from = drag.current;
    const stage = event.currentTarget.parentElement?.getBoundingClientRect();
    if (!from || !stage) return;
    const dx = rested(((event.clientX - from.x) / stage.width) * frame.width);
    const dy = rested(((event.clientY - from.y) / stage.height) * frame.height);
    onChange(from.edges ? stretched(from.box, from.edges, dx, dy, frame) : moved(from.box, dx, dy, frame));
  };
  const end = () => {
    drag.current = undefined;
  };
  const key = (event: KeyboardEvent) => {
    const [x, y] = arrows[event.key] ?? [];
    const by = event.ctrlKey || event.metaKey ? 1 : grain;
    if (x !== undefined && y !== undefined) {
      const [dx, dy] = [x * by, y * by];
      onChange(event.shiftKey ? stretched(box, "se", dx, dy, frame) : moved(box, dx, dy, frame));
    } else if (event.key === "]" || event.key === "[") onDepth(event.key === "]" ? 1 : -1);
    else if (event.key === "Delete" || event.key === "Backspace") onRemove();
    else return;
    event.preventDefault();
  };
  return (
    <button
      type="button"
      className="region"
      aria-pressed={chosen}
      aria-label={`Region ${name}: ${box.w} by ${box.h} at ${box.x}, ${box.y}, depth ${depth}`}
      style={{ ...percentages(box, frame), zIndex: layer + 1 }}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onFocus={onChoose}
      onClick={onChoose}
      onKeyDown={key}
    >
      <span className="tag">{name}</span>
      {chosen && handles.map((edges) => <span key={edges} className="handle" data-edges={edges} />)}
    </button>
  );
}
