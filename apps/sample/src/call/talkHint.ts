import { useEffect } from "react";
import type { Devices } from "../devices/capture";
import { TalkDetector } from "../devices/level";
import { useStore } from "../ui/store";
import type { Call } from "./conversation";

/** Says once per mute that nobody hears. */
export function useTalkHint(devices: Devices, call: Pick<Call, "hint">): void {
  const { microphone } = useStore(devices.view);
  const muted = !microphone.on && microphone.track !== null;
  useEffect(() => {
    if (!muted) return;
    const detector = new TalkDetector();
    let withdraw = () => {};
    const timer = setInterval(() => {
      if (!detector.hear(devices.level.read(), performance.now())) return;
      clearInterval(timer);
      withdraw = call.hint("You are muted. Press M to unmute, or hold Space while you talk.");
    }, 100);
    return () => {
      clearInterval(timer);
      withdraw();
    };
  }, [muted, devices, call]);
}
