import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asCurl, type Call, sendOne } from "../api/client";
import type { NewApiKey, Room, SystemCheck, Tokens } from "../api/types";
import { CopyLine } from "../ui/Copy";
import { Fault } from "../ui/Fault";
import { Checks } from "./Checks";
import { callLink } from "./callLink";

const keyCall: Call = { method: "POST", path: "/api_keys", body: { name: "first steps", rights: "admin" } };

/** The first two minutes: a key, a call between two tabs, and whether the machine is as it should be. */
export function StartScreen() {
  return (
    <div className="screen">
      <header className="heading">
        <h1>Get started</h1>
      </header>
      <div className="steps">
        <div className="stack">
          <KeyStep />
          <CallStep />
        </div>
        <ChecksStep />
      </div>
    </div>
  );
}

function KeyStep() {
  const make = useMutation({ mutationFn: () => sendOne<NewApiKey>(keyCall) });
  const key = make.data?.api_key;
  return (
    <section className="card" aria-labelledby="step-key">
      <h2 id="step-key">1. An API key for your backend</h2>
      <p className="muted">It is shown once. Only its hash is kept.</p>
      {key ? (
        <div className="stack">
          <CopyLine text={key} label="the API key" />
          <p className="small">Make a room with it:</p>
          <CopyLine
            text={asCurl({ method: "POST", path: "/rooms", body: { unique_name: "hello" } }).replace(
              "$ROTUNDA_API_KEY",
              key,
            )}
            label="the curl command"
          />
        </div>
      ) : (
        <button
          type="button"
          className="button primary"
          disabled={make.isPending}
          onClick={() => make.mutate()}
        >
          Make a key
        </button>
      )}
      <Fault error={make.error} />
    </section>
  );
}

function CallStep() {
  const [link, setLink] = useState<string>();
  const make = useMutation({
    mutationFn: async () => {
      const name = `test room ${new Date().toISOString().slice(0, 16).replace("T", " ")}`;
      const found = await sendOne<Room[]>({
        method: "GET",
        path: `/rooms?filter[unique_name]=${encodeURIComponent(name)}`,
      });
      const room =
        found[0] ?? (await sendOne<Room>({ method: "POST", path: "/rooms", body: { unique_name: name } }));
      const tokens = await sendOne<Tokens>({
        method: "POST",
        path: `/rooms/${room.id}/actions/generate_join_client_token`,
        body: { token_ttl_secs: 3600 },
      });
      return callLink(room.id, tokens.token);
    },
    onSuccess: setLink,
  });
  return (
    <section className="card" aria-labelledby="step-call">
      <h2 id="step-call">2. A test call</h2>
      <p className="muted">Open it in two tabs, or send the link to a phone: they see and hear each other.</p>
      {link ? (
        <div className="stack">
          <CopyLine text={link} label="the join link" />
          <a className="button primary" href={link} target="_blank" rel="noreferrer">
            Join test room
          </a>
        </div>
      ) : (
        <button
          type="button"
          className="button primary"
          disabled={make.isPending}
          onClick={() => make.mutate()}
        >
          Make a test room
        </button>
      )}
      <Fault error={make.error} />
    </section>
  );
}

function ChecksStep() {
  const checks = useQuery({
    queryKey: ["checks"],
    queryFn: ({ signal }) =>
      sendOne<{ checks: SystemCheck[] }>({ method: "GET", path: "/system_checks" }, signal),
  });
  return (
    <section className="card" aria-labelledby="step-checks">
      <h2 id="step-checks">3. The machine</h2>
      <p className="muted">
        How your own network reaches it, <a href="/connectivity">the connectivity page</a> tries.
      </p>
      <Fault error={checks.error} />
      {checks.data && <Checks checks={checks.data.checks} />}
      <button
        type="button"
        className="button"
        disabled={checks.isFetching}
        onClick={() => void checks.refetch()}
      >
        Check again
      </button>
    </section>
  );
}
