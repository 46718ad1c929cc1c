import { IconInfoCircle, IconKeyboard, IconPlugConnected, IconSettings } from "@tabler/icons-react";
import { CheckLink } from "../ui/CheckLink";
import { CopyLink } from "../ui/CopyLink";
import { Popover } from "./Popover";
import type { PanelName } from "./SidePanel";

interface Props {
  shareable: boolean;
  onPanel: (name: PanelName) => void;
  onClose: () => void;
}

export function MoreMenu({ shareable, onPanel, onClose }: Props) {
  const open = (name: PanelName) => () => {
    onClose();
    onPanel(name);
  };
  return (
    <Popover label="More" className="menu" onClose={onClose}>
      <button type="button" className="menu-item" data-testid="devices" onClick={open("devices")}>
        <IconSettings size={20} aria-hidden="true" />
        Devices
      </button>
      {shareable && <CopyLink className="menu-item" size={20} />}
      <button type="button" className="menu-item" onClick={open("shortcuts")}>
        <IconKeyboard size={20} aria-hidden="true" />
        Keyboard shortcuts
      </button>
      <CheckLink className="menu-item" onClick={onClose}>
        <IconPlugConnected size={20} aria-hidden="true" />
      </CheckLink>
      <button type="button" className="menu-item" onClick={open("about")}>
        <IconInfoCircle size={20} aria-hidden="true" />
        About this call
      </button>
    </Popover>
  );
}
