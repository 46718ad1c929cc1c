import { version } from "@rotunda/video";
import { useStore } from "../ui/store";
import type { Call } from "./conversation";

interface Props {
  call: Call;
}

export function AboutPanel({ call }: Props) {
  const { state } = useStore(call.view);
  return (
    <div className="panel-body about">
      <p>
        Sound and pictures go from browser to browser through the Rotunda server at {location.host}, and
        through nobody else's.
      </p>
      <dl>
        <div>
          <dt>Your participant id</dt>
          <dd className="mono">{state?.localParticipantId ?? "not connected"}</dd>
        </div>
        <div>
          <dt>Web SDK</dt>
          <dd className="mono">@rotunda/video {version}</dd>
        </div>
      </dl>
    </div>
  );
}
