import { useMutation } from "@tanstack/react-query";
import qrcode from "qrcode-generator";
import { type FormEvent, useMemo, useState } from "react";
import { type Call, sendOne } from "../api/client";
import type { Room, Tokens } from "../api/types";
import { CopyLine } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { ChoiceField, TextField } from "../ui/Field";
import { Time } from "../ui/Time";
import { callLink } from "./callLink";

const lifetimes: [string, string][] = [
  ["600", "10 minutes"],
  ["3600", "1 hour"],
];

/** Mints a client token: as a link for people, and bare for programs. */
export function InviteDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const [ttl, setTTL] = useState("3600");
  const [identity, setIdentity] = useState("");
  const call: Call = {
    method: "POST",
    path: `/rooms/${room.id}/actions/generate_join_client_token`,
    body: { token_ttl_secs: Number(ttl), ...(identity.trim() && { identity: identity.trim() }) },
  };
  const mint = useMutation({ mutationFn: () => sendOne<Tokens>(call) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mint.mutate();
  };
  return (
    <Dialog title={`Invite to ${room.unique_name ?? "this room"}`} onClose={onClose}>
      {mint.data ? (
        <Invitation room={room} tokens={mint.data} onClose={onClose} />
      ) : (
        <form className="form" onSubmit={submit}>
          <ChoiceField
            label="Good for"
            hint="To come in. Who is in stays in while the call goes on."
            choices={lifetimes}
            value={ttl}
            onChange={(event) => setTTL(event.target.value)}
          />
          <TextField
            label="Identity"
            hint="Names a user of yours in the record. It may be empty."
            value={identity}
            onChange={(event) => setIdentity(event.target.value)}
          />
          <Fault error={mint.error} />
          <Curl call={call} />
          <footer>
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" className="button primary" disabled={mint.isPending}>
              Make a link
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

function Invitation({ room, tokens, onClose }: { room: Room; tokens: Tokens; onClose: () => void }) {
  const link = callLink(room.id, tokens.token);
  return (
    <div className="form">
      <p>
        Whoever has it can come in. It ends <Time at={tokens.token_expires_at} />.
      </p>
      <CopyLine text={link} label="the join link" />
      <QrCode text={link} />
      <details className="curl">
        <summary>The token alone</summary>
        <CopyLine text={tokens.token} label="the token" />
      </details>
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Done
        </button>
        <a className="button primary" href={link} target="_blank" rel="noreferrer">
          Join
        </a>
      </footer>
    </div>
  );
}

/** Black on white in both themes: cameras want it so. */
function QrCode({ text }: { text: string }) {
  const { path, size } = useMemo(() => {
    const code = qrcode(0, "L");
    code.addData(text);
    code.make();
    const size = code.getModuleCount();
    let path = "";
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        if (code.isDark(row, column)) path += `M${column + 4} ${row + 4}h1v1h-1z`;
      }
    }
    return { path, size: size + 8 };
  }, [text]);
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label="The join link as a QR code"
      shapeRendering="crispEdges"
    >
      <path d={path} />
    </svg>
  );
}
