import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useRef } from "react";
import type { SessionDelivery } from "../../api/history";
import { useMoments } from "../../shell/zone";
import type { Story } from "./model";
import { useDrawing } from "./useDrawing";
import { closer, usePointer } from "./usePointer";
import { pan, type View, zoom } from "./view";

export interface LanesProps {
  story: Story;
  deliveries: SessionDelivery[];
  view: View;
  bounds: View;
  /** null: the latest moment. */
  cursor: number | null;
  now: number;
  nameOf: (id: string) => string;
  onView: (view: View) => void;
  onCursor: (at: number) => void;
  /** To the event before or after the moment that is looked at. */
  onStep: (direction: -1 | 1) => void;
}

/** A lane for each person on one axis of time. The wheel zooms, dragging moves, a click or the arrows choose the moment. */
export function Lanes(props: LanesProps) {
  const { story, view, bounds, cursor, now, nameOf } = props;
  const moments = useMoments();
  const scroller = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const pointer = usePointer(scroller, plot, props);
  const canvas = useDrawing(scroller, { ...props, pointer: pointer.at });
  const at = cursor ?? Math.min(now, bounds.to);
  const people = story.lanes.filter(({ stay }) => stay.from <= at && at < stay.to).length;
  return (
    <div className="lanes" ref={scroller}>
      <ul className="lane-names" aria-label="People in the order they came">
        {story.lanes.map(({ id }) => (
          <li key={id}>
            <Link to="/participants/$participantId/quality" params={{ participantId: id }} title={nameOf(id)}>
              {nameOf(id)}
            </Link>
          </li>
        ))}
        <li className="foot">Webhooks</li>
      </ul>
      <div
        className="lane-plot"
        ref={plot}
        role="slider"
        tabIndex={0}
        aria-label="Moment of the session"
        aria-valuemin={Math.round(bounds.from)}
        aria-valuemax={Math.round(bounds.to)}
        aria-valuenow={Math.round(at)}
        aria-valuetext={`${moments.exact(at)}, ${people} in the session`}
        onKeyDown={(event) => press(event, props, at)}
        {...pointer.handlers}
      >
        <canvas ref={canvas} aria-hidden />
      </div>
      <p className="visually-hidden">
        {`From ${moments.exact(view.from)} to ${moments.exact(view.to)}. The list of events below says the same in words.`}
      </p>
    </div>
  );
}

function press(event: KeyboardEvent, props: LanesProps, at: number): void {
  const { view, bounds, onView, onCursor, onStep } = props;
  const step = (view.to - view.from) / 50;
  const seek = (to: number) => {
    const moment = Math.min(Math.max(to, bounds.from), bounds.to);
    onCursor(moment);
    if (moment < view.from || moment > view.to) onView(pan(view, moment < view.from ? -0.5 : 0.5, bounds));
  };
  const keys = new Map<string, () => void>([
    ["ArrowLeft", () => (event.shiftKey ? onView(pan(view, -0.25, bounds)) : seek(at - step))],
    ["ArrowRight", () => (event.shiftKey ? onView(pan(view, 0.25, bounds)) : seek(at + step))],
    ["PageUp", () => onStep(-1)],
    ["PageDown", () => onStep(1)],
    ["Home", () => seek(bounds.from)],
    ["End", () => seek(bounds.to)],
    ["+", () => onView(zoom(view, closer, at, bounds))],
    ["=", () => onView(zoom(view, closer, at, bounds))],
    ["-", () => onView(zoom(view, 1 / closer, at, bounds))],
    ["0", () => onView(bounds)],
  ]);
  const act = keys.get(event.key);
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}
