import { asCurl, type Call } from "../api/client";
import { CopyLine } from "./Copy";

/** Shows that what the portal is about to do is a call of the API. */
export function Curl({ call }: { call: Call }) {
  return (
    <details className="curl">
      <summary>As curl</summary>
      <CopyLine text={asCurl(call)} label="the curl command" />
    </details>
  );
}
