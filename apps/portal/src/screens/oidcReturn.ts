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

/** Signs in who came back from the provider, once, and says where they wanted to go; undefined if nobody did. */
export async function finishOidc(client: QueryClient): Promise<string | undefined> {
  const back = returned;
  returned = undefined;
  if (!back) return undefined;
  const error = back.get("error");
  if (error !== null) throw new Error(reasonOf(error));
  const session = await sendOne<PortalSession>({
    method: "POST",
    path: "/portal_session/actions/finish_oidc",
    body: {
      code: back.get("code") ?? "",
      state: back.get("state") ?? "",
      ...(back.has("iss") && { issuer: back.get("iss") }),
    },
  });
  holdCsrf(session.csrf_token);
  client.setQueryData(sessionQuery.queryKey, session);
  const to = ownPath(window.sessionStorage.getItem(wanted));
  window.sessionStorage.removeItem(wanted);
  return to;
}

/** Anybody can write an address, so only its known codes are told (RFC 6749, 4.1.2.1, and OpenID Connect Core 1.0, 3.1.2.6). */
function reasonOf(code: string): string {
  switch (code) {
    case "access_denied":
    case "interaction_required":
    case "login_required":
    case "consent_required":
      return "The sign-in was given up, or the provider does not let you in here.";
    case "server_error":
    case "temporarily_unavailable":
      return "The provider cannot sign you in at present. Try again later.";
    default:
      return "The provider refuses this server's request. Whoever runs the server finds out with the provider.";
  }
}
