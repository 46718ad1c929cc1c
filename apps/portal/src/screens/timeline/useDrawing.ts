import { type RefObject, useEffect, useRef, useState } from "react";
import type { SessionDelivery } from "../../api/history";
import { useDark } from "../../shell/theme";
import { useMoments } from "../../shell/zone";
import type { Story } from "./model";
import { type Colours, paint } from "./paint";
import type { View } from "./view";

interface Drawn {
  story: Story;
  deliveries: SessionDelivery[];
  view: View;
  cursor: number | null;
  pointer: number | null;
  now: number;
}

/** A canvas as large as what can be seen of the lanes, drawn anew whenever what it shows changes. */
export function useDrawing(scroller: RefObject<HTMLElement | null>, drawn: Drawn) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const moments = useMoments();
  const look = useLook(scroller);
  const draw = useRef(() => {});
  draw.current = () => {
    const frame = scroller.current;
    const context = canvas.current?.getContext("2d");
    if (!frame || !context || !look) return;
    const { width, height } = resize(context.canvas, frame);
    paint(context, { ...drawn, scrolled: frame.scrollTop, width, height, ...look, moments });
  };
  useEffect(() => {
    const frame = requestAnimationFrame(() => draw.current());
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const frame = scroller.current;
    if (!frame) return;
    const again = () => draw.current();
    const watch = new ResizeObserver(again);
    watch.observe(frame);
    frame.addEventListener("scroll", again);
    return () => {
      watch.disconnect();
      frame.removeEventListener("scroll", again);
    };
  }, [scroller]);
  return canvas;
}

/** Gives a canvas the size of what can be seen, in the pixels of the screen. */
function resize(canvas: HTMLCanvasElement, frame: HTMLElement): { width: number; height: number } {
  const [width, height] = [canvas.parentElement?.clientWidth ?? 0, frame.clientHeight];
  const ratio = window.devicePixelRatio;
  const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== tall) {
    canvas.width = wide;
    canvas.height = tall;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  canvas.getContext("2d")?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { width, height };
}

/** The theme's colours and type, as a canvas takes them. */
function useLook(frame: RefObject<HTMLElement | null>): { colours: Colours; font: string } | null {
  const dark = useDark();
  const [look, setLook] = useState<{ colours: Colours; font: string } | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which dark changes
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const probe = document.createElement("span");
    element.append(probe);
    const colour = (name: string) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    setLook({
      colours: {
        text: colour("text"),
        muted: colour("muted"),
        line: colour("line"),
        surface: colour("surface"),
        sunken: colour("sunken"),
        accent: colour("accent"),
        danger: colour("danger"),
        warning: colour("warning"),
      },
      font: getComputedStyle(element).fontFamily,
    });
    probe.remove();
  }, [dark, frame]);
  return look;
}
