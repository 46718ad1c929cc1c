import { type Devices, getDevices, watchDevices } from "@rotunda/video";
import { useEffect, useState } from "react";

const none: Devices = { audioinput: [], videoinput: [], audiooutput: [] };

/** The devices there are, as they come and go. Browsers name them only after permission was given. */
export function useDevices(): Devices {
  const [devices, setDevices] = useState(none);
  useEffect(() => {
    let current = true;
    getDevices().then(
      (found) => current && found && setDevices(found),
      () => {},
    );
    const unwatch = watchDevices(setDevices);
    return () => {
      current = false;
      unwatch();
    };
  }, []);
  return devices;
}
