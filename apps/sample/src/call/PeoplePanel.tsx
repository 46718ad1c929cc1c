import {
  IconLock,
  IconMicrophone,
  IconMicrophoneOff,
  IconScreenShare,
  IconVideo,
  IconVideoOff,
} from "@tabler/icons-react";
import type { CSSProperties } from "react";
import type { Devices } from "../devices/capture";
import { useStore } from "../ui/store";
import type { Call } from "./conversation";
import { type Person, peopleOf } from "./people";
import { portraitOf } from "./portrait";

interface Props {
  call: Call;
  devices: Devices;
}

export function PeoplePanel({ call, devices }: Props) {
  const { state, speaking } = useStore(call.view);
  const { microphone, camera } = useStore(devices.view);
  const people = state ? peopleOf(state) : [];
  return (
    <div className="panel-body people">
      <p className="panel-note">
        {people.length === 1 ? "Only you are here." : `${people.length} people are here.`}
      </p>
      <ul>
        {people.map((person) => (
          <Row
            key={person.id}
            person={person.local ? withDevices(person, microphone.on, camera.on) : person}
            speaking={speaking.has(person.id)}
          />
        ))}
      </ul>
    </div>
  );
}

function withDevices(person: Person, microphone: boolean, camera: boolean): Person {
  const heard = person.microphone === "censored" ? "censored" : microphone ? "on" : "muted";
  return { ...person, microphone: heard, camera };
}

const microphoneWords: Record<Person["microphone"], string> = {
  on: "Microphone on",
  muted: "Muted",
  censored: "Muted by a moderator",
  none: "No microphone",
};

function Row({ person, speaking }: { person: Person; speaking: boolean }) {
  const { initials, hue } = portraitOf(person.id, person.name);
  return (
    <li className="person" data-speaking={speaking} data-testid={`person-${person.id}`}>
      <span className="portrait" style={{ "--hue": hue } as CSSProperties} aria-hidden="true">
        {initials}
      </span>
      <span className="person-name">
        {person.name}
        {person.local && <span className="panel-note"> (you)</span>}
      </span>
      {speaking && <span className="visually-hidden">speaking</span>}
      {person.sharing && <IconScreenShare size={20} role="img" aria-label="Shares a screen" />}
      <MicrophoneIcon state={person.microphone} />
      {person.camera ? (
        <IconVideo size={20} role="img" aria-label="Camera on" />
      ) : (
        <IconVideoOff size={20} role="img" aria-label="Camera off" className="faint" />
      )}
    </li>
  );
}

function MicrophoneIcon({ state }: { state: Person["microphone"] }) {
  const label = microphoneWords[state];
  if (state === "on") return <IconMicrophone size={20} role="img" aria-label={label} />;
  if (state === "censored") return <IconLock size={20} role="img" aria-label={label} className="warned" />;
  return <IconMicrophoneOff size={20} role="img" aria-label={label} className="faint" />;
}
