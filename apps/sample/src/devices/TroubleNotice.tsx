import { IconAlertTriangle } from "@tabler/icons-react";
import { useStore } from "../ui/store";
import type { Devices } from "./capture";
import { adviceOn, type Kind, type Trouble } from "./trouble";

interface Props {
  devices: Devices;
}

/** What is wrong with camera and microphone, and what helps. */
export function TroubleNotice({ devices }: Props) {
  const { camera, microphone } = useStore(devices.view);
  const troubles: { kind: Kind; trouble: Trouble }[] = [];
  if (camera.trouble) troubles.push({ kind: "camera", trouble: camera.trouble });
  if (microphone.trouble && !saidAlready(microphone.trouble, camera.trouble)) {
    troubles.push({ kind: "microphone", trouble: microphone.trouble });
  }
  if (troubles.length === 0) return null;
  return (
    <div className="troubles" role="status" data-testid="error">
      {troubles.map(({ kind, trouble }) => {
        const advice = adviceOn(trouble, kind, navigator.userAgent);
        return (
          <div className="trouble" key={kind}>
            <IconAlertTriangle size={20} aria-hidden="true" />
            <div>
              <p className="trouble-title">{advice.title}</p>
              <p>{advice.help}</p>
              {canRetry(trouble) && (
                <button type="button" className="link" onClick={() => void devices.retry(kind)}>
                  Try again
                </button>
              )}
            </div>
          </div>
        );
      })}
    </div>
  );
}

/** Reasons that lie in the page concern both devices and need saying once. */
function saidAlready(trouble: Trouble, camera: Trouble | null): boolean {
  return trouble === camera && (trouble === "insecure" || trouble === "unsupported");
}

function canRetry(trouble: Trouble): boolean {
  return trouble !== "insecure" && trouble !== "unsupported";
}
