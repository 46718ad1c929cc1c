import { useCallback, useEffect, useRef, useState } from "react";
import type { Devices } from "../devices/capture";
import { useStore } from "../ui/store";
import { Banner } from "./Banner";
import { Bar } from "./Bar";
import type { Call } from "./conversation";
import { type PanelName, SidePanel } from "./SidePanel";
import { Sound } from "./Sound";
import { Stage } from "./Stage";
import { useShortcuts } from "./shortcuts";
import { useTalkHint } from "./talkHint";
import { useWakeLock } from "./wakeLock";

interface Props {
  call: Call;
  devices: Devices;
  /** Whether the address of this page may be given to others. */
  shareable: boolean;
}

/** The call itself: always dark, in both themes. */
export function CallScreen({ call, devices, shareable }: Props) {
  const view = useStore(call.view);
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [leaving, setLeaving] = useState(false);
  const { speaker } = useStore(devices.view).chosen;
  const bar = useRef<HTMLElement>(null);

  const show = useCallback((name: PanelName | null) => setPanel((now) => (now === name ? null : name)), []);
  const close = () => {
    const button = bar.current?.querySelector<HTMLElement>(`[data-panel="${panel}"], [data-testid="more"]`);
    setPanel(null);
    button?.focus();
  };

  useEffect(() => call.openChat(panel === "chat"), [call, panel]);
  useShortcuts({
    microphone: () => void devices.setMicrophone(!devices.view.get().microphone.on),
    camera: () => void devices.setCamera(!devices.view.get().camera.on),
    share: () => void (call.view.get().screen ? call.unshare() : call.share()),
    chat: () => show("chat"),
    people: () => show("people"),
    help: () => show("shortcuts"),
    leave: () => setLeaving(true),
    escape: () => (leaving ? setLeaving(false) : panel && close()),
    isMuted: () => !devices.view.get().microphone.on,
    talk: (on) => void devices.setMicrophone(on),
  });
  useTalkHint(devices, call);
  useWakeLock(view.status === "connected");
  useTitle(view.chat.unread);

  return (
    <div className="call" data-status={view.status} data-panel={panel !== null}>
      <Banner view={view} onRetry={() => call.retryNow()} shareable={shareable} />
      <Sound room={view.room} blocked={view.state?.audioBlocked ?? false} speaker={speaker} />
      <div className="room">
        <Stage call={call} devices={devices} />
        {view.status === "connected" && view.state?.recording && (
          <p className="recording" data-testid="recording">
            Recording
          </p>
        )}
        {panel && <SidePanel name={panel} call={call} devices={devices} onClose={close} />}
      </div>
      {view.note && (
        <p className="note" key={view.note.id}>
          {view.note.text}
        </p>
      )}
      <Bar
        ref={bar}
        call={call}
        devices={devices}
        panel={panel}
        onPanel={show}
        leaving={leaving}
        onLeaving={setLeaving}
        shareable={shareable}
      />
      <div className="visually-hidden" role="status" aria-live="polite">
        {view.said}
      </div>
      <div className="visually-hidden" role="status" aria-live="polite">
        {view.note?.text}
      </div>
    </div>
  );
}

function useTitle(unread: number): void {
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Rotunda` : "Rotunda";
    return () => {
      document.title = "Rotunda";
    };
  }, [unread]);
}
