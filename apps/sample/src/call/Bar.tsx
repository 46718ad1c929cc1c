import {
  IconDots,
  IconLock,
  IconMessage,
  IconMicrophone,
  IconMicrophoneOff,
  IconPhoneOff,
  IconScreenShare,
  IconScreenShareOff,
  IconUsers,
  IconVideo,
  IconVideoOff,
} from "@tabler/icons-react";
import { type ReactNode, type Ref, useState } from "react";
import type { Device, Devices } from "../devices/capture";
import { adviceOn, type Kind } from "../devices/trouble";
import { LevelMeter } from "../ui/LevelMeter";
import { useStore } from "../ui/store";
import type { Call } from "./conversation";
import { LeaveQuestion } from "./LeaveQuestion";
import { MoreMenu } from "./MoreMenu";
import { peopleOf } from "./people";
import type { PanelName } from "./SidePanel";

interface Props {
  ref: Ref<HTMLElement>;
  call: Call;
  devices: Devices;
  panel: PanelName | null;
  onPanel: (name: PanelName) => void;
  leaving: boolean;
  onLeaving: (asked: boolean) => void;
  shareable: boolean;
}

export function Bar({ ref, call, devices, panel, onPanel, leaving, onLeaving, shareable }: Props) {
  const view = useStore(call.view);
  const { microphone, camera } = useStore(devices.view);
  const [more, setMore] = useState(false);
  const people = view.state?.participants.size ?? 0;
  const { unread } = view.chat;
  const censored = view.state
    ? peopleOf(view.state).some((one) => one.local && one.microphone === "censored")
    : false;

  return (
    <footer className="bar" ref={ref}>
      <div className="bar-tools" role="toolbar" aria-label="Call">
        <Tool
          testId="mic"
          label={
            (microphone.on ? "Mute microphone" : "Unmute microphone") +
            (censored ? ", muted by a moderator" : "")
          }
          keys="M"
          off={!microphone.on}
          busy={microphone.starting}
          disabled={!view.canPublish}
          onClick={() => void toggle(call, devices, "microphone", microphone)}
        >
          {!microphone.on ? (
            <IconMicrophoneOff aria-hidden="true" />
          ) : censored ? (
            <IconLock aria-hidden="true" className="warned" />
          ) : (
            <IconMicrophone aria-hidden="true" />
          )}
          <LevelMeter
            level={devices.level}
            active={microphone.on && !censored && microphone.track !== null}
            className="tool-level"
          />
        </Tool>
        <Tool
          testId="camera"
          label={camera.on ? "Turn camera off" : "Turn camera on"}
          keys="V"
          off={!camera.on}
          busy={camera.starting}
          disabled={!view.canPublish}
          onClick={() => void toggle(call, devices, "camera", camera)}
        >
          {camera.on ? <IconVideo aria-hidden="true" /> : <IconVideoOff aria-hidden="true" />}
        </Tool>
        {canShare() && (
          <Tool
            testId="share"
            label={view.screen ? "Stop sharing the screen" : "Share a screen"}
            keys="S"
            active={view.screen !== null}
            disabled={!view.canPublish || view.status !== "connected"}
            onClick={() => void (view.screen ? call.unshare() : call.share())}
          >
            {view.screen ? <IconScreenShareOff aria-hidden="true" /> : <IconScreenShare aria-hidden="true" />}
          </Tool>
        )}
        <Tool
          testId="people"
          label={`People, ${people}`}
          keys="P"
          expanded={panel === "people"}
          onClick={() => onPanel("people")}
        >
          <IconUsers aria-hidden="true" />
          {people > 1 && <span className="count">{people}</span>}
        </Tool>
        <Tool
          testId="chat"
          label={unread > 0 ? `Chat, ${unread} unread` : "Chat"}
          keys="C"
          expanded={panel === "chat"}
          onClick={() => onPanel("chat")}
        >
          <IconMessage aria-hidden="true" />
          {unread > 0 && <span className="count unread">{unread > 99 ? "99+" : unread}</span>}
        </Tool>
        <div className="anchor">
          <Tool testId="more" label="More" expanded={more} onClick={() => setMore(!more)}>
            <IconDots aria-hidden="true" />
          </Tool>
          {more && <MoreMenu shareable={shareable} onPanel={onPanel} onClose={() => setMore(false)} />}
        </div>
      </div>
      <div className="anchor">
        <button
          type="button"
          className="tool leave"
          data-testid="leave"
          aria-label="Leave the call"
          title="Leave the call (L)"
          onClick={() => call.leave()}
        >
          <IconPhoneOff aria-hidden="true" />
        </button>
        {leaving && <LeaveQuestion onLeave={() => call.leave()} onStay={() => onLeaving(false)} />}
      </div>
    </footer>
  );
}

async function toggle(call: Call, devices: Devices, kind: Kind, device: Device): Promise<void> {
  await (kind === "microphone" ? devices.setMicrophone(!device.on) : devices.setCamera(!device.on));
  const { trouble } = devices.view.get()[kind];
  if (!trouble) return;
  const advice = adviceOn(trouble, kind, navigator.userAgent);
  call.hint(`${advice.title}. ${advice.help}`);
}

function canShare(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

interface ToolProps {
  testId: string;
  label: string;
  keys?: string;
  off?: boolean;
  active?: boolean;
  busy?: boolean;
  disabled?: boolean;
  expanded?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Tool({ testId, label, keys, off, active, busy, disabled, expanded, onClick, children }: ToolProps) {
  return (
    <button
      type="button"
      className="tool"
      data-testid={testId}
      data-panel={testId}
      data-off={off}
      data-active={active || expanded}
      aria-label={label}
      aria-expanded={expanded}
      aria-busy={busy || undefined}
      aria-keyshortcuts={keys}
      title={keys ? `${label} (${keys})` : label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
