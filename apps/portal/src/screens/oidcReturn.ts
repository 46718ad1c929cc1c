import type { QueryClient } from "@tanstack/react-query";
import { holdCsrf, sendOne } from "../api/client";
import { sessionQuery } from "../api/session";
import type { PortalSession } from "../api/types";
import { ownPath } from "./ownPath";

// What the sign-in provider sent the browser back with. It is taken out of the address before anything else reads it, so that neither
// the history nor a screenshot keeps the code.
let returned: URLSearchParams | undefined;
if (window.location.pathname === "/portal/oidc" && window.location.search !== "") {
  returned = new URLSearchParams(window.location.search);
  window.history.replaceState(window.history.state, "", window.location.pathname);
}

const wanted = "rotunda-sign-in-to";

/** Goes to the provider; who comes back goes on to a path of the portal. */
export async function beginOidc(to: string | undefined): Promise<void> {
  const { authorization_url } = await sendOne<{ authorization_url: string }>({
    method: "POST",
    path: "/portal_session/actions/begin_oidc",
  });
  window.sessionStorage.setItem(wanted, ownPath(to));
  window.location.assign(authorization_url);
}

/** Signs in who came back from the provider, once, and says where they wanted to go, or why they are not let in. */
export async function finishOidc(client: QueryClient): Promise<{ to?: string; refusal?: unknown }> {
  const back = returned;
  returned = undefined;
  if (!back) return {};
  try {
    const session = await sendOne<PortalSession>({
      method: "POST",
      path: "/portal_session/actions/finish_oidc",
      body: {
        state: back.get("state") ?? "",
        code: back.get("code") ?? undefined,
        error: back.get("error") ?? undefined,
        issuer: back.get("iss") ?? undefined,
      },
    });
    holdCsrf(session.csrf_token);
    client.setQueryData(sessionQuery.queryKey, session);
  } catch (refusal) {
    return { refusal };
  }
  const to = ownPath(window.sessionStorage.getItem(wanted));
  window.sessionStorage.removeItem(wanted);
  return { to };
}
