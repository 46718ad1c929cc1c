import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { pan, type View, zoom } from "./view";

interface Seen {
  view: View;
  bounds: View;
  onView: (view: View) => void;
  onCursor: (at: number) => void;
}

/** By how much one turn of the wheel or press of a key looks closer. */
export const closer = 0.8;

/** From how many pixels on a press is a drag. */
const drags = 4;

/** What the pointer does over the lanes: the wheel zooms, with Shift it moves; a drag moves; a click chooses the moment. */
export function usePointer(
  scroller: RefObject<HTMLElement | null>,
  plot: RefObject<HTMLElement | null>,
  seen: Seen,
) {
  const [at, setAt] = useState<number | null>(null);
  const latest = useRef(seen);
  latest.current = seen;
  useEffect(() => {
    const element = plot.current;
    if (!element) return;
    const turn = (event: WheelEvent) => {
      const { view, bounds, onView } = latest.current;
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        onView(pan(view, (event.deltaX || event.deltaY) / 1000, bounds));
      } else if (event.deltaY !== 0) {
        const moment = momentAt(event.clientX, element, view);
        onView(zoom(view, event.deltaY < 0 ? closer : 1 / closer, moment, bounds));
      }
    };
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, [plot]);

  const grip = useRef<{ x: number; y: number; scrolled: number; view: View; moved: boolean } | null>(null);
  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const scrolled = scroller.current?.scrollTop ?? 0;
      grip.current = { x: event.clientX, y: event.clientY, scrolled, view: seen.view, moved: false };
    },
    onPointerMove: (event: PointerEvent) => {
      setAt(momentAt(event.clientX, event.currentTarget, seen.view));
      const held = grip.current;
      if (!held) return;
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      held.moved ||= Math.hypot(dx, dy) >= drags;
      if (!held.moved) return;
      seen.onView(pan(held.view, -dx / event.currentTarget.clientWidth, seen.bounds));
      if (scroller.current) scroller.current.scrollTop = held.scrolled - dy;
    },
    onPointerUp: (event: PointerEvent) => {
      if (grip.current && !grip.current.moved) {
        seen.onCursor(momentAt(event.clientX, event.currentTarget, seen.view));
      }
      grip.current = null;
    },
    onPointerCancel: () => {
      grip.current = null;
    },
    onPointerLeave: () => setAt(null),
  };
  return { at, handlers };
}

function momentAt(x: number, element: Element, view: View): number {
  const box = element.getBoundingClientRect();
  return view.from + ((x - box.left) / box.width) * (view.to - view.from);
}
