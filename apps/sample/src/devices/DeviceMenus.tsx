import { Field } from "../ui/Field";
import { useStore } from "../ui/store";
import type { Choice, Device, Devices } from "./capture";

interface Props {
  devices: Devices;
}

export function DeviceMenus({ devices }: Props) {
  const { choices, chosen, camera, microphone, canChooseSpeaker } = useStore(devices.view);
  return (
    <div className="device-menus">
      <Menu
        label="Camera"
        choices={choices.camera}
        none={absence(camera)}
        value={camera.track?.getSettings?.().deviceId ?? chosen.camera}
        onChoose={(id) => void devices.choose("camera", id)}
      />
      <Menu
        label="Microphone"
        choices={choices.microphone}
        none={absence(microphone)}
        value={microphone.track?.getSettings?.().deviceId ?? chosen.microphone}
        onChoose={(id) => void devices.choose("microphone", id)}
      />
      {canChooseSpeaker && choices.speaker.length > 0 && (
        <Menu
          label="Speaker"
          choices={choices.speaker}
          none="None found"
          value={chosen.speaker}
          onChoose={(id) => void devices.choose("speaker", id)}
        />
      )}
    </div>
  );
}

/** Without permission browsers do not say which devices there are. */
function absence({ starting, trouble }: Device): string {
  return starting || (trouble && trouble !== "missing") ? "Not allowed yet" : "None found";
}

interface MenuProps {
  label: string;
  choices: Choice[];
  /** What stands there while there is nothing to choose. */
  none: string;
  value: string | undefined;
  onChoose: (id: string) => void;
}

function Menu({ label, choices, none, value, onChoose }: MenuProps) {
  const known = choices.some((choice) => choice.id === value);
  return (
    <Field label={label}>
      {(id) => (
        <select
          id={id}
          className="select"
          value={known ? value : (choices[0]?.id ?? "")}
          disabled={choices.length === 0}
          onChange={(event) => onChoose(event.target.value)}
        >
          {choices.length === 0 && <option value="">{none}</option>}
          {choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
