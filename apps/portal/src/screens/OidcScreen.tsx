import { Fault } from "../ui/Fault";
import { Entrance } from "./Entrance";

const Again = () => (
  <a className="button primary wide" href="/portal/sign-in">
    To the sign-in page
  </a>
);

/** Nobody stays here who comes from the provider: this is for those who opened the address by themselves. */
export function OidcScreen() {
  return (
    <Entrance title="Nothing to finish">
      <p>Sign-in providers send people here. What they sent you with is used up, or missing.</p>
      <Again />
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

/** Why somebody whom the provider sent was not let in. */
export function OidcRefused({ error }: { error: unknown }) {
  return (
    <Entrance title="You are not signed in">
      <Fault error={error} />
      <Again />
    </Entrance>
  );
}
