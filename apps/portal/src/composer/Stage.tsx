import { type PointerEvent as Drag, useEffect, useMemo, useRef, useState } from "react";
import type { Order } from "../api/types";
import type { Score } from "../playback/score";
import { type Box, between, boxOf, percentages, placed } from "./box";
import { useFrames } from "./frames";
import { drawnOrder, lay } from "./lay";
import { everything, type FrameSize, frameOf, freeName, limits, topmost } from "./order";
import { paint } from "./paint";
import { RegionBox } from "./RegionBox";

interface Props {
  order: Order;
  score: Score;
  at: number;
  chosen: string | undefined;
  onChoose: (name: string | undefined) => void;
  onChange: (order: Order) => void;
}

/** The frame with real pictures in it, and the regions over them. Dragging where it is bare, or with Shift anywhere, draws one more. */
export function Stage({ order, score, at, chosen, onChoose, onChange }: Props) {
  const frame = frameOf(order.resolution) as FrameSize;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [frames, count] = useFrames();
  const [draft, setDraft] = useState<{ x: number; y: number; box?: Box | undefined }>();
  const placements = useMemo(() => lay(order, score.parts, at), [order, score, at]);
  useEffect(() => {
    frames.show(
      placements.map(({ part }) => part),
      at,
    );
  }, [frames, placements, at]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the count says that a frame is another
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context) paint(context, frame, placements, frames, order.layout);
  }, [frames, placements, order, count]);
  const point = (event: Drag<HTMLElement>) => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    return {
      x: ((event.clientX - left) / width) * frame.width,
      y: ((event.clientY - top) / height) * frame.height,
    };
  };
  const begin = (event: Drag<HTMLElement>) => {
    const bare = event.target === canvas.current || event.shiftKey;
    if (event.button !== 0 || !bare || Object.keys(order.video_layout).length >= limits.regions) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
    onChoose(undefined);
    setDraft(point(event));
  };
  const end = () => {
    if (draft?.box) {
      const name = freeName(order.video_layout);
      const region = placed({ ...everything(), z_pos: topmost(order) }, draft.box);
      onChange({ ...order, video_layout: { ...order.video_layout, [name]: region } });
      onChoose(name);
    }
    setDraft(undefined);
  };
  const layers = drawnOrder(order.video_layout);
  return (
    <div
      className="stage"
      style={{
        aspectRatio: `${frame.width} / ${frame.height}`,
        // All of it is in sight at once, whatever its shape.
        maxWidth: `calc(70dvh * ${frame.width / frame.height})`,
      }}
      onPointerDown={begin}
      onPointerMove={(event) => {
        if (!draft) return;
        const here = point(event);
        setDraft({ ...draft, box: between(draft.x, draft.y, here.x, here.y, frame) });
      }}
      onPointerUp={end}
      onPointerCancel={() => setDraft(undefined)}
    >
      <canvas
        ref={canvas}
        width={frame.width}
        height={frame.height}
        role="img"
        aria-label={`Preview with ${placements.length} ${placements.length === 1 ? "picture" : "pictures"}`}
        data-drawn={placements.filter(({ part }) => frames.of(part)).length}
      />
      {Object.entries(order.video_layout).map(([name, region]) => {
        return (
          <RegionBox
            key={name}
            name={name}
            depth={region.z_pos}
            layer={layers.indexOf(name)}
            box={boxOf(region, frame)}
            frame={frame}
            chosen={chosen === name}
            onChoose={() => onChoose(name)}
            onChange={(box) =>
              onChange({ ...order, video_layout: { ...order.video_layout, [name]: placed(region, box) } })
            }
            onDepth={(by) => {
              const z_pos = Math.min(Math.max(region.z_pos + by, -limits.depth), limits.depth);
              onChange({ ...order, video_layout: { ...order.video_layout, [name]: { ...region, z_pos } } });
            }}
            onRemove={() => {
              if (Object.keys(order.video_layout).length === 1) return;
              const { [name]: _, ...left } = order.video_layout;
              onChange({ ...order, video_layout: left });
              onChoose(undefined);
            }}
          />
        );
      })}
      {draft?.box && <div className="draft" style={percentages(draft.box, frame)} />}
    </div>
  );
}
