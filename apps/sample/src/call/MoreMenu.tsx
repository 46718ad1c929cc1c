import { IconInfoCircle, IconKeyboard, IconLink, IconSettings } from "@tabler/icons-react";
import { useState } from "react";
import { Popover } from "./Popover";
import type { PanelName } from "./SidePanel";

interface Props {
  shareable: boolean;
  onPanel: (name: PanelName) => void;
  onClose: () => void;
}

export function MoreMenu({ shareable, onPanel, onClose }: Props) {
  const [copied, setCopied] = useState(false);
  const open = (name: PanelName) => () => {
    onClose();
    onPanel(name);
  };
  const copy = () =>
    navigator.clipboard.writeText(location.href).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <Popover label="More" className="menu" onClose={onClose}>
      <button type="button" className="menu-item" data-testid="devices" onClick={open("devices")}>
        <IconSettings size={20} aria-hidden="true" />
        Devices
      </button>
      {shareable && (
        <button type="button" className="menu-item" onClick={() => void copy()}>
          <IconLink size={20} aria-hidden="true" />
          {copied ? "Link copied" : "Copy the link"}
        </button>
      )}
      <button type="button" className="menu-item" onClick={open("shortcuts")}>
        <IconKeyboard size={20} aria-hidden="true" />
        Keyboard shortcuts
      </button>
      <button type="button" className="menu-item" onClick={open("about")}>
        <IconInfoCircle size={20} aria-hidden="true" />
        About this call
      </button>
    </Popover>
  );
}
