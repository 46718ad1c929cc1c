/** A capturing or playing device. */
export interface Device {
  label: string;
  id: string;
}

/** What `getDevices` finds, by kind. */
export interface Devices {
  audioinput: Device[];
  videoinput: Device[];
  audiooutput: Device[];
}

/** Lists the devices. Undefined, with a warning, where the browser cannot list them. Those without a label are numbered by kind. */
export async function getDevices(): Promise<Devices | undefined> {
  if (!globalThis.navigator?.mediaDevices?.enumerateDevices) {
    console.warn("This page cannot list devices: the browser offers that on secure pages only.");
    return undefined;
  }
  const devices: Devices = { audioinput: [], videoinput: [], audiooutput: [] };
  const names = { audioinput: "Microphone", videoinput: "Camera", audiooutput: "Speaker" };
  for (const { kind, label, deviceId } of await navigator.mediaDevices.enumerateDevices()) {
    const known = devices[kind];
    known?.push({ id: deviceId, label: label || `${names[kind]} ${known.length + 1}` });
  }
  return devices;
}
