import { useEffect, useRef } from "react";

interface Props {
  level: { read(): number };
  active: boolean;
  className: string;
}

/** Shows a level as the custom property `--level` (0 to 1) of its element, which CSS draws; nothing renders again for it. */
export function LevelMeter({ level, active, className }: Props) {
  const element = useRef<HTMLSpanElement>(null);

  useEffect(() => {
    const span = element.current;
    if (!span || !active) {
      span?.style.setProperty("--level", "0");
      return;
    }
    let shown = 0;
    let frame = requestAnimationFrame(function draw() {
      // Rises at once and falls gently, as meters do.
      shown = Math.max(level.read(), shown * 0.88);
      span.style.setProperty("--level", shown.toFixed(3));
      frame = requestAnimationFrame(draw);
    });
    return () => cancelAnimationFrame(frame);
  }, [level, active]);

  return <span ref={element} className={className} aria-hidden="true" />;
}
