import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Call, sendOne } from "../api/client";
import type { PublicKey } from "../api/webhooks";
import { Confirm } from "../ui/Confirm";
import { CopyLine } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";

const call: Call = { method: "GET", path: "/public_key" };
const prepareCall: Call = { method: "POST", path: "/public_key/actions/prepare" };
const activateCall: Call = { method: "POST", path: "/public_key/actions/activate" };

/** The key receivers check signatures with, and its rotation in two steps. */
export function PublicKeys() {
  const client = useQueryClient();
  const [activating, setActivating] = useState(false);
  const keys = useQuery({
    queryKey: ["public-key"],
    queryFn: ({ signal }) => sendOne<PublicKey>(call, signal),
  });
  const prepare = useMutation({
    mutationFn: () => sendOne<PublicKey>(prepareCall),
    onSuccess: (changed) => client.setQueryData(["public-key"], changed),
  });
  const next = keys.data?.next_public_key;
  return (
    <section className="stack" aria-labelledby="public-key">
      <h2 id="public-key">Public key</h2>
      <div className="card form">
        <p className="small">Receivers check the Ed25519 signature of webhooks with it.</p>
        <Fault error={keys.error ?? prepare.error} />
        {keys.data && <CopyLine text={keys.data.public_key} label="the public key" />}
        {next ? (
          <>
            <p className="small">The next one. Give it to receivers, then let it sign:</p>
            <CopyLine text={next} label="the next public key" />
            <div className="actions">
              <button type="button" className="button" onClick={() => setActivating(true)}>
                Sign with the next key
              </button>
            </div>
          </>
        ) : (
          <div className="actions">
            <button
              type="button"
              className="button"
              disabled={!keys.data || prepare.isPending}
              onClick={() => prepare.mutate()}
            >
              Prepare the next key
            </button>
          </div>
        )}
        <Curl call={next ? activateCall : prepareCall} />
      </div>
      {activating && <Activate onClose={() => setActivating(false)} />}
    </section>
  );
}

function Activate({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const activate = useMutation({
    mutationFn: () => sendOne<PublicKey>(activateCall),
    onSuccess: (changed) => {
      client.setQueryData(["public-key"], changed);
      onClose();
    },
  });
  return (
    <Confirm
      title="Sign with the next key"
      call={activateCall}
      verb="Change the key"
      sending={activate}
      onGo={() => activate.mutate()}
      onClose={onClose}
    >
      The key before is forgotten: receivers that do not have the next one refuse webhooks from now on. This
      cannot be undone.
    </Confirm>
  );
}
