import { type RefObject, useEffect, useRef, useState } from "react";
import type { Size } from "../grid/layout";

/** The size of an element, as it changes. */
export function useSize<E extends HTMLElement>(): [RefObject<E | null>, Size] {
  const element = useRef<E>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize((now) => (now.width === width && now.height === height ? now : { width, height }));
    });
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [element, size];
}
