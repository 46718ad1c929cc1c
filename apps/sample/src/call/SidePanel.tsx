import { IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef } from "react";
import type { Devices } from "../devices/capture";
import { DeviceMenus } from "../devices/DeviceMenus";
import { TroubleNotice } from "../devices/TroubleNotice";
import { AboutPanel } from "./AboutPanel";
import { ChatPanel } from "./ChatPanel";
import type { Call } from "./conversation";
import { PeoplePanel } from "./PeoplePanel";
import { shortcutHelp } from "./shortcuts";

export type PanelName = "chat" | "people" | "devices" | "shortcuts" | "about";

const titles: Record<PanelName, string> = {
  chat: "Chat",
  people: "People",
  devices: "Devices",
  shortcuts: "Keyboard shortcuts",
  about: "About this call",
};

interface Props {
  name: PanelName;
  call: Call;
  devices: Devices;
  onClose: () => void;
}

/** What opens beside the room: on narrow pages it comes up from below. */
export function SidePanel({ name, call, devices, onClose }: Props) {
  const contents: Record<PanelName, ReactNode> = {
    chat: <ChatPanel call={call} />,
    people: <PeoplePanel call={call} devices={devices} />,
    devices: (
      <div className="panel-body">
        <TroubleNotice devices={devices} />
        <DeviceMenus devices={devices} />
      </div>
    ),
    shortcuts: <ShortcutList />,
    about: <AboutPanel call={call} />,
  };
  const panel = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each panel takes the focus once, when it comes
  useEffect(() => {
    const first =
      panel.current?.querySelector<HTMLElement>("textarea") ??
      panel.current?.querySelector<HTMLElement>("select");
    (first ?? panel.current)?.focus();
  }, [name]);

  return (
    <aside className="panel" ref={panel} tabIndex={-1} aria-label={titles[name]} data-name={name}>
      <header className="panel-head">
        <h2>{titles[name]}</h2>
        <button type="button" className="icon-button" aria-label={`Close ${titles[name]}`} onClick={onClose}>
          <IconX size={20} aria-hidden="true" />
        </button>
      </header>
      {contents[name]}
    </aside>
  );
}

function ShortcutList() {
  return (
    <dl className="panel-body shortcut-list">
      {shortcutHelp.map(([key, meaning]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}
