import { IconAlertTriangle, IconCircleCheck, IconCircleMinus, IconCircleX } from "@tabler/icons-react";
import type { SystemCheck } from "../api/types";

const signs = {
  ok: { icon: IconCircleCheck, word: "Good" },
  warn: { icon: IconAlertTriangle, word: "Look at this" },
  fail: { icon: IconCircleX, word: "Wrong" },
  skipped: { icon: IconCircleMinus, word: "Not checked" },
};

/** What the server needs of its machine, and the setting to change. */
export function Checks({ checks }: { checks: SystemCheck[] }) {
  return (
    <ul className="checks">
      {checks.map((check) => {
        const { icon: Icon, word } = signs[check.level];
        return (
          <li key={check.name} data-level={check.level}>
            <Icon size={18} aria-hidden />
            <div>
              <strong>{check.name}</strong> <span className="visually-hidden">{word}.</span>
              <p className="muted">{check.found}</p>
              {check.setting && (
                <p className="small">
                  To change: <code>{check.setting}</code>
                </p>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
