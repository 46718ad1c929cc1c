import { Field } from "../ui/Field";
import { useStore } from "../ui/store";
import type { Choice, Devices } from "./capture";

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
        value={camera.track?.getSettings?.().deviceId ?? chosen.camera}
        onChoose={(id) => void devices.choose("camera", id)}
      />
      <Menu
        label="Microphone"
        choices={choices.microphone}
        value={microphone.track?.getSettings?.().deviceId ?? chosen.microphone}
        onChoose={(id) => void devices.choose("microphone", id)}
      />
      {canChooseSpeaker && choices.speaker.length > 0 && (
        <Menu
          label="Speaker"
          choices={choices.speaker}
          value={chosen.speaker}
          onChoose={(id) => void devices.choose("speaker", id)}
        />
      )}
    </div>
  );
}

interface MenuProps {
  label: string;
  choices: Choice[];
  value: string | undefined;
  onChoose: (id: string) => void;
}

function Menu({ label, choices, value, onChoose }: MenuProps) {
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
          {choices.length === 0 && <option value="">None found</option>}
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
