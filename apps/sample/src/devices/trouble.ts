import type { ErrorCode, RoomError } from "@rotunda/video";

/** Why a camera or microphone cannot be used. */
export type Trouble =
  | "insecure"
  | "unsupported"
  | "refused"
  | "dismissed"
  | "missing"
  | "busy"
  | "unplugged"
  | "unknown";

export type Kind = "camera" | "microphone";

export interface Advice {
  title: string;
  help: string;
}

/** Names the cause by the code of an error of the SDK. */
export function troubleOf({ code }: Pick<RoomError, "code">): Trouble {
  return troubles[code] ?? "unknown";
}

const troubles: Partial<Record<ErrorCode, Trouble>> = {
  insecure_page: "insecure",
  not_supported: "unsupported",
  permission_denied: "refused",
  permission_dismissed: "dismissed",
  device_not_found: "missing",
  device_in_use: "busy",
  device_lost: "unplugged",
};

/** What to tell the user of one device, or of both when they have the same trouble. */
export function adviceOn(trouble: Trouble, kind: Kind | "both", userAgent: string): Advice {
  const { name, device, is } = wording[kind];
  switch (trouble) {
    case "insecure":
      return {
        title: "Cameras and microphones need HTTPS or localhost",
        help: "This page was opened over plain HTTP, where browsers give no page a camera or microphone. Open it with https:// or on the machine itself as http://localhost. You can still join to watch and listen.",
      };
    case "unsupported":
      return {
        title: `This browser offers no ${device}`,
        help: "A current Chrome, Edge, Firefox or Safari does. You can still join.",
      };
    case "refused":
      return { title: `${name} ${is} blocked`, help: switchFor(userAgent, name) };
    case "dismissed":
      return {
        title: `${name} ${is} not allowed yet`,
        help: "The question was closed without an answer. Try again and choose Allow.",
      };
    case "missing":
      return {
        title: `No ${device} found`,
        help: `Plug one in, then try again. You can also join without a ${device}.`,
      };
    case "busy":
      return {
        title: `${name} ${is} in use`,
        help: "Another program or tab is using it. Close that one, then try again.",
      };
    case "unplugged":
      return { title: `${name} ${is} disconnected`, help: "Plug it in again or choose another one." };
    case "unknown":
      return { title: `${name} could not be started`, help: "Try again, or choose another device." };
  }
}

const wording = {
  camera: { name: "Camera", device: "camera", is: "is" },
  microphone: { name: "Microphone", device: "microphone", is: "is" },
  both: { name: "Camera and microphone", device: "camera or microphone", is: "are" },
};

/** Where each browser hides the switch that takes back a refusal. */
export function switchFor(userAgent: string, name: string): string {
  const iOS = /iPhone|iPad|iPod/.test(userAgent);
  if (iOS && !/CriOS|FxiOS|EdgiOS/.test(userAgent)) {
    return `In Safari, tap the page button beside the address, then Website Settings, and set ${name} to Allow. If it is not there: Settings, Apps, Safari, ${name}.`;
  }
  if (iOS) return `Open Settings, Apps, this browser, and turn on ${name}. Then reload the page.`;
  if (/Firefox\//.test(userAgent)) {
    return `Select the crossed-out ${name.toLowerCase()} left of the address, then the cross beside “Blocked”. Then try again.`;
  }
  if (/Edg\//.test(userAgent))
    return `Select the lock left of the address, then Permissions for this site, and set ${name} to Allow. Then try again.`;
  if (/Android/.test(userAgent))
    return `Tap the icon left of the address, then Permissions, and allow ${name}. Then try again.`;
  if (/Chrome\//.test(userAgent))
    return `Select the icon left of the address and turn on ${name}. Then try again.`;
  if (/Safari\//.test(userAgent))
    return `In the menu Safari, open Settings for this website and set ${name} to Allow. Then try again.`;
  return `Allow ${name} in this site's settings, beside the address. Then try again.`;
}
