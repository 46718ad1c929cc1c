import { useQueryClient } from "@tanstack/react-query";
import { send } from "../api/client";
import { sessionQuery } from "../api/session";
import type { PortalSession } from "../api/types";
import { chooseTheme, type Theme, useTheme } from "./theme";

const themes: { theme: Theme; name: string }[] = [
  { theme: "system", name: "As the system" },
  { theme: "light", name: "Light" },
  { theme: "dark", name: "Dark" },
];

/** Who is signed in, how the portal looks, and the way out. */
export function AccountMenu({ session }: { session: PortalSession }) {
  const client = useQueryClient();
  const theme = useTheme();
  const leave = async () => {
    await send({ method: "DELETE", path: "/portal_session" }).catch(() => undefined);
    client.clear();
    client.setQueryData(sessionQuery.queryKey, null);
    window.location.assign("/portal/sign-in");
  };
  return (
    <>
      <button type="button" className="button quiet" popoverTarget="account-menu">
        {session.member.name}
      </button>
      <div id="account-menu" popover="auto" className="popover">
        <p className="who">
          <strong>{session.member.name}</strong>
          <span className="muted">{session.member.email}</span>
          <span className="muted">Role: {session.member.role}</span>
        </p>
        <fieldset className="choices">
          <legend>Look</legend>
          {themes.map(({ theme: each, name }) => (
            <label key={each}>
              <input type="radio" name="theme" checked={theme === each} onChange={() => chooseTheme(each)} />
              {name}
            </label>
          ))}
        </fieldset>
        <button type="button" className="button wide" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </>
  );
}
