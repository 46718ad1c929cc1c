import { useState } from "react";

let taken: string | undefined;

/**
 * The secret in the fragment of the address, which is taken out of the address at once so that neither the history nor a
 * screenshot keeps it.
 */
export function useSecret(): string {
  const [secret] = useState(() => {
    const fragment = window.location.hash.slice(1);
    if (fragment) {
      taken = fragment;
      window.history.replaceState(window.history.state, "", window.location.pathname);
    }
    return taken ?? "";
  });
  return secret;
}
