import { useRouteContext } from "@tanstack/react-router";
import { Fault } from "../ui/Fault";
import { Entrance } from "./Entrance";

/** Why somebody whom the provider sent was not let in. Nobody else stays here but those who opened the address by themselves. */
export function OidcScreen() {
  const { refusal } = useRouteContext({ from: "/oidc" });
  return (
    <Entrance title={refusal ? "You are not signed in" : "Nothing to finish"}>
      {refusal ? (
        <Fault error={refusal} />
      ) : (
        <p>Sign-in providers send people here. What they sent you with is used up, or missing.</p>
      )}
      <a className="button primary wide" href="/portal/sign-in">
        To the sign-in page
      </a>
    </Entrance>
  );
}

export function OidcWaiting() {
  return (
    <Entrance title="Signing in…">
      <p className="muted" role="status">
        The server asks the provider who you are.
      </p>
    </Entrance>
  );
}
