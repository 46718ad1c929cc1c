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
  const troubles = troublesOf(camera.trouble, microphone.trouble);
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
                <button type="button" className="link" onClick={() => void retry(devices, kind)}>
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

interface Said {
  kind: Kind | "both";
  trouble: Trouble;
}

/** The same trouble of both devices needs saying once. */
function troublesOf(camera: Trouble | null, microphone: Trouble | null): Said[] {
  if (camera && camera === microphone) return [{ kind: "both", trouble: camera }];
  const said: Said[] = [];
  if (camera) said.push({ kind: "camera", trouble: camera });
  if (microphone) said.push({ kind: "microphone", trouble: microphone });
  return said;
}

/** Both are asked for one after the other: browsers hold back a second question while the first is open. */
async function retry(devices: Devices, kind: Kind | "both"): Promise<void> {
  if (kind !== "microphone") await devices.retry("camera");
  if (kind !== "camera") await devices.retry("microphone");
}

function canRetry(trouble: Trouble): boolean {
  return trouble !== "insecure" && trouble !== "unsupported";
}
