import { Mark } from "@rotunda/theme/Mark";
import { IconMicrophone, IconMicrophoneOff, IconVideo, IconVideoOff } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { nameLimit } from "../call/context";
import { hueOf, initialsOf } from "../call/portrait";
import type { Devices } from "../devices/capture";
import { DeviceMenus } from "../devices/DeviceMenus";
import { TroubleNotice } from "../devices/TroubleNotice";
import { Field } from "../ui/Field";
import { LevelMeter } from "../ui/LevelMeter";
import { useStore } from "../ui/store";
import { Video } from "../ui/Video";

interface Props {
  devices: Devices;
  name: string;
  onJoin: (name: string) => void;
}

/** Looks, sound and name before going in. */
export function JoinPage({ devices, name: remembered, onJoin }: Props) {
  const [name, setName] = useState(remembered);

  const join = (event: FormEvent) => {
    event.preventDefault();
    onJoin(name.trim() || "Guest");
  };

  return (
    <main className="page join">
      <header className="brand small">
        <Mark size={28} />
        <span>Rotunda</span>
      </header>
      <div className="join-columns">
        <Preview devices={devices} name={name} />
        <form className="join-form" onSubmit={join}>
          <h1>Ready to join?</h1>
          <Field label="Your name">
            {(id) => (
              <input
                id={id}
                className="input"
                data-testid="join-name"
                autoComplete="name"
                maxLength={nameLimit}
                placeholder="Guest"
                value={name}
                // The one thing to do on this page.
                // biome-ignore lint/a11y/noAutofocus: the page exists for this field
                autoFocus
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <button type="submit" className="button primary wide" data-testid="join-button">
            Join
          </button>
          <TroubleNotice devices={devices} />
          <DeviceMenus devices={devices} />
        </form>
      </div>
    </main>
  );
}

function Preview({ devices, name }: { devices: Devices; name: string }) {
  const { camera, microphone } = useStore(devices.view);
  // With a track the picture is on its way; it will cover this.
  const starting = camera.starting || camera.track !== null;
  const hearing = microphone.on && microphone.track !== null;
  return (
    <div className="preview" data-testid="preview">
      <div className="preview-empty">
        {starting ? (
          <Mark size={48} loading />
        ) : (
          <span
            className="portrait"
            style={{ "--hue": hueOf(name) } as React.CSSProperties}
            aria-hidden="true"
          >
            {initialsOf(name || "Guest")}
          </span>
        )}
        <p>{starting ? "Starting the camera" : "Camera is off"}</p>
      </div>
      {camera.track && <Video track={camera.track} mirrored label="Your camera" />}
      <div className="preview-bar">
        <button
          type="button"
          className="tool"
          data-testid="mic"
          data-off={!microphone.on}
          aria-label={microphone.on ? "Mute microphone" : "Unmute microphone"}
          disabled={microphone.starting}
          onClick={() => void devices.setMicrophone(!microphone.on)}
        >
          {microphone.on ? <IconMicrophone aria-hidden="true" /> : <IconMicrophoneOff aria-hidden="true" />}
        </button>
        <LevelMeter level={devices.level} active={hearing} className="meter" />
        <button
          type="button"
          className="tool"
          data-testid="camera"
          data-off={!camera.on}
          aria-label={camera.on ? "Turn camera off" : "Turn camera on"}
          disabled={camera.starting}
          onClick={() => void devices.setCamera(!camera.on)}
        >
          {camera.on ? <IconVideo aria-hidden="true" /> : <IconVideoOff aria-hidden="true" />}
        </button>
      </div>
    </div>
  );
}
