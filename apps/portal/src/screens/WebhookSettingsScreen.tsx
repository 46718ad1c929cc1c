import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, type Call, sendOne } from "../api/client";
import type { WebhookSettings } from "../api/webhooks";
import { Confirm } from "../ui/Confirm";
import { CopyLine } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { Time } from "../ui/Time";
import { PublicKeys } from "./PublicKeys";
import { WebhookTabs } from "./WebhooksScreen";

const call: Call = { method: "GET", path: "/webhook_settings" };
const extras: [type: string, name: string][] = [
  ["video.room.recording.failed", "Recordings that failed"],
  ["video.room.composition.failed", "Compositions that failed"],
];

/** Where events of the account go, and how receivers know that they are ours. */
export function WebhookSettingsScreen() {
  const settings = useQuery({
    queryKey: ["webhook-settings"],
    queryFn: ({ signal }) => sendOne<WebhookSettings>(call, signal),
  });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Webhooks</h1>
      </header>
      <WebhookTabs />
      <Fault error={settings.error} />
      {settings.data && (
        <div className="halves">
          <Where settings={settings.data} />
          <div className="stack">
            <Secret settings={settings.data} />
            <PublicKeys />
          </div>
        </div>
      )}
      <Curl call={call} />
    </div>
  );
}

function Where({ settings }: { settings: WebhookSettings }) {
  const client = useQueryClient();
  const [url, setUrl] = useState(settings.webhook_event_url ?? "");
  const [failover, setFailover] = useState(settings.webhook_event_failover_url ?? "");
  const [secs, setSecs] = useState(settings.webhook_timeout_secs?.toString() ?? "");
  const [wanted, setWanted] = useState(settings.extra_event_types);
  const change: Call = {
    method: "PATCH",
    path: "/webhook_settings",
    body: {
      webhook_event_url: url.trim() || null,
      webhook_event_failover_url: failover.trim() || null,
      webhook_timeout_secs: secs === "" ? null : Number(secs),
      extra_event_types: wanted,
    },
  };
  const save = useMutation({
    mutationFn: () => sendOne<WebhookSettings>(change),
    onSuccess: (changed) => client.setQueryData(["webhook-settings"], changed),
  });
  const faultOf = (field: string) => (save.error instanceof ApiError ? save.error.of(field) : undefined);
  const placed = ["webhook_event_url", "webhook_event_failover_url", "webhook_timeout_secs"].some(faultOf);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section className="stack" aria-labelledby="where">
      <h2 id="where">Where events go</h2>
      <form className="card form" onSubmit={submit}>
        <TextField
          label="URL"
          type="url"
          hint="Of rooms that have none of their own."
          value={url}
          fault={faultOf("webhook_event_url")}
          onChange={({ target }) => setUrl(target.value)}
        />
        <TextField
          label="If that fails"
          type="url"
          value={failover}
          fault={faultOf("webhook_event_failover_url")}
          onChange={({ target }) => setFailover(target.value)}
        />
        <TextField
          label="Seconds to answer in"
          type="number"
          min={0}
          max={30}
          hint="0 to 30; empty is the server's own limit."
          value={secs}
          fault={faultOf("webhook_timeout_secs")}
          onChange={({ target }) => setSecs(target.value)}
        />
        <fieldset className="extras">
          <legend>Beyond the usual events</legend>
          {extras.map(([type, name]) => (
            <label key={type} className="switch">
              <input
                type="checkbox"
                checked={wanted.includes(type)}
                onChange={({ target }) =>
                  setWanted(target.checked ? [...wanted, type] : wanted.filter((each) => each !== type))
                }
              />
              {name}
            </label>
          ))}
        </fieldset>
        {!placed && <Fault error={save.error} />}
        <Curl call={change} />
        <footer>
          <span role="status" className="muted small">
            {save.isSuccess && "Saved"}
          </span>
          <button type="submit" className="button primary" disabled={save.isPending}>
            Save
          </button>
        </footer>
      </form>
    </section>
  );
}

function Secret({ settings }: { settings: WebhookSettings }) {
  const [shown, setShown] = useState(false);
  const [rotating, setRotating] = useState(false);
  const { secret, old_secret_expires_at: old } = settings;
  return (
    <section className="stack" aria-labelledby="secret">
      <h2 id="secret">Secret</h2>
      <div className="card form">
        <p className="small">
          {secret
            ? "Webhooks carry a v1 signature of Standard Webhooks, made with this secret."
            : "There is none, so webhooks carry only the signature of the public key."}
          {old && (
            <>
              {" "}
              The secret before signs as well, and ends <Time at={old} />.
            </>
          )}
        </p>
        {secret && shown && <CopyLine text={secret} label="the secret" />}
        <div className="actions">
          {secret && (
            <button type="button" className="button" onClick={() => setShown(!shown)}>
              {shown ? "Hide" : "Show"}
            </button>
          )}
          <button type="button" className="button" onClick={() => setRotating(true)}>
            {secret ? "Rotate" : "Make one"}
          </button>
        </div>
      </div>
      {rotating && (
        <Rotate
          first={!secret}
          onClose={() => setRotating(false)}
          onDone={() => {
            setRotating(false);
            setShown(true);
          }}
        />
      )}
    </section>
  );
}

const rotateCall: Call = { method: "POST", path: "/webhook_settings/actions/rotate_secret" };

function Rotate({ first, onClose, onDone }: { first: boolean; onClose: () => void; onDone: () => void }) {
  const client = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => sendOne<WebhookSettings>(rotateCall),
    onSuccess: (changed) => {
      client.setQueryData(["webhook-settings"], changed);
      onDone();
    },
  });
  return (
    <Confirm
      title={first ? "Make a secret" : "Rotate the secret"}
      call={rotateCall}
      verb={first ? "Make it" : "Rotate it"}
      harmless
      sending={rotate}
      onGo={() => rotate.mutate()}
      onClose={onClose}
    >
      {first
        ? "From now on webhooks are signed with it too."
        : "The new one signs from now on. The one before signs beside it for 24 hours, so that receivers can change over."}
    </Confirm>
  );
}
