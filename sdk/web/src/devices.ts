/** A capturing or playing device. */
export interface Device {
  /** For people. Before permission was given, browsers tell none: then the kind and a number. */
  label: string;
  /** For `choose` and `setAudioOutput`; the same on later visits, unless the user clears the data of the page. */
  id: string;
}

/** What `getDevices` finds, by kind. */
export interface Devices {
  /** Microphones. */
  audioinput: Device[];
  /** Cameras. */
  videoinput: Device[];
  /** Speakers and headphones. Browsers that let nobody choose one list none. */
  audiooutput: Device[];
}

/** Lists the devices. Undefined, with a warning, where the browser cannot list them. Those without a label are numbered by kind. */
export async function getDevices(): Promise<Devices | undefined> {
  if (!globalThis.navigator?.mediaDevices?.enumerateDevices) {
    console.warn("This page cannot list devices: the browser offers that on secure pages only.");
    return undefined;
  }
  return sortDevices(await navigator.mediaDevices.enumerateDevices());
}

/**
 * Calls back with the list of devices whenever one comes or goes, or permission brings their names. Returns a function that
 * stops it; does nothing where the browser cannot list them.
 */
export function watchDevices(callback: (devices: Devices) => void): () => void {
  const media = globalThis.navigator?.mediaDevices;
  let watching = true;
  const list = async () => {
    const found = await media?.enumerateDevices().catch(() => undefined);
    if (watching && found) callback(sortDevices(found));
  };
  const changed = () => void list();
  media?.addEventListener?.("devicechange", changed);
  return () => {
    watching = false;
    media?.removeEventListener?.("devicechange", changed);
  };
}

/** @internal */
export function sortDevices(found: readonly MediaDeviceInfo[]): Devices {
  const devices: Devices = { audioinput: [], videoinput: [], audiooutput: [] };
  const names = { audioinput: "Microphone", videoinput: "Camera", audiooutput: "Speaker" };
  for (const { kind, label, deviceId } of found) {
    const known = devices[kind];
    known?.push({ id: deviceId, label: label || `${names[kind]} ${known.length + 1}` });
  }
  return devices;
}
