import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Call, send, sendOne } from "../api/client";
import type { ApiKey, KeyRights, NewApiKey, Page } from "../api/types";
import { Confirm } from "../ui/Confirm";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { ChoiceField, TextField } from "../ui/Field";
import { Listing } from "../ui/Listing";
import { ShownOnce } from "../ui/ShownOnce";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";

const list: Call = { method: "GET", path: "/api_keys?page%5Bsize%5D=250" };
const good = (key: ApiKey) => !key.revoked_at && !(key.expires_at && new Date(key.expires_at) < new Date());

/** What backends may do, and when they did it last. */
export function KeysScreen() {
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey>();
  const keys = useQuery({ queryKey: ["keys"], queryFn: ({ signal }) => send<Page<ApiKey>>(list, signal) });
  const columns: Column<ApiKey>[] = [
    { name: "Name", cell: (key) => key.name || <span className="muted">unnamed</span> },
    { name: "Rights", cell: (key) => key.rights },
    {
      name: "State",
      cell: (key) => {
        if (good(key)) return <span className="badge">Valid</span>;
        return <span className="badge off">{key.revoked_at ? "Revoked" : "Expired"}</span>;
      },
    },
    { name: "Ends", cell: (key) => <Time at={key.expires_at} otherwise="never" />, wideOnly: true },
    { name: "Last used", cell: (key) => <Time at={key.last_used_at} otherwise="not yet" /> },
    {
      name: "By",
      cell: (key) => <span className="muted">{key.last_user_agent ?? "–"}</span>,
      wideOnly: true,
    },
    { name: "Created", cell: (key) => <Time at={key.created_at} />, wideOnly: true },
    {
      name: "",
      cell: (key) =>
        good(key) && (
          <button
            type="button"
            className="link"
            aria-label={`Revoke ${key.name || "unnamed"}`}
            onClick={() => setRevoking(key)}
          >
            Revoke
          </button>
        ),
    },
  ];
  return (
    <div className="screen">
      <header className="heading">
        <h1>API keys</h1>
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          <IconPlus size={18} aria-hidden />
          New key
        </button>
      </header>
      <Listing
        label="API keys"
        call={list}
        list={keys}
        columns={columns}
        id={(key) => key.id}
        empty={<p>There are no keys. A backend needs one: New key makes it.</p>}
      />
      {making && <NewKey onClose={() => setMaking(false)} />}
      {revoking && <RevokeKey apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </div>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [rights, setRights] = useState<KeyRights>("admin");
  const [days, setDays] = useState("");
  const expires = days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : null;
  const call: Call = {
    method: "POST",
    path: "/api_keys",
    body: { name: name.trim(), rights, expires_at: expires },
  };
  const make = useMutation({
    mutationFn: () => sendOne<NewApiKey>(call),
    onSuccess: () => client.invalidateQueries({ queryKey: ["keys"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  if (make.data) {
    return (
      <Dialog title="The key" onClose={onClose}>
        <ShownOnce secret={make.data.api_key} label="the API key" onClose={onClose}>
          Keep it now: it is shown this once. Only its hash is kept.
        </ShownOnce>
      </Dialog>
    );
  }
  return (
    <Dialog title="New key" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <TextField
          label="Name"
          hint="What it is for, so that it can be told from others."
          required
          maxLength={128}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <ChoiceField
          label="Rights"
          choices={[
            ["admin", "Everything"],
            ["read-only", "Reading"],
            ["tokens-only", "Making client tokens"],
          ]}
          value={rights}
          onChange={(event) => setRights(event.target.value as KeyRights)}
        />
        <ChoiceField
          label="Ends"
          choices={[
            ["", "Never"],
            ["30", "In 30 days"],
            ["90", "In 90 days"],
            ["365", "In a year"],
          ]}
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />
        <Fault error={make.error} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={make.isPending}>
            Make key
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function RevokeKey({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const client = useQueryClient();
  const call: Call = { method: "DELETE", path: `/api_keys/${apiKey.id}` };
  const revoke = useMutation({
    mutationFn: () => send<void>(call),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["keys"] });
      onClose();
    },
  });
  return (
    <Confirm
      title={`Revoke ${apiKey.name || "this key"}`}
      call={call}
      verb="Revoke key"
      sending={revoke}
      onGo={() => revoke.mutate()}
      onClose={onClose}
    >
      Whatever uses it is refused from now on. It was last used{" "}
      <Time at={apiKey.last_used_at} otherwise="never" />. This cannot be undone.
    </Confirm>
  );
}
