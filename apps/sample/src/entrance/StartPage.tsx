import { Mark } from "@rotunda/theme/Mark";
import { type FormEvent, useState } from "react";
import { Field } from "../ui/Field";
import { readInvitation } from "./invitation";

interface Props {
  problem: string | null;
}

/** For those who come without a link. */
export function StartPage({ problem }: Props) {
  const [link, setLink] = useState("");
  const [complaint, setComplaint] = useState(problem);

  const open = (event: FormEvent) => {
    event.preventDefault();
    const fragment = link.includes("#") ? link.slice(link.indexOf("#")) : "";
    const invitation = readInvitation(fragment);
    if (invitation.kind === "none")
      setComplaint("This is no link to a call. One has #demo= or #room= in it.");
    else if (invitation.kind === "broken") setComplaint(invitation.problem);
    else location.hash = fragment;
  };

  return (
    <main className="page">
      <header className="brand">
        <Mark size={40} />
        <h1>Rotunda</h1>
      </header>
      <p className="lead">Video rooms on your own server. This page is its call app; a link opens a call.</p>

      <form className="open-link" onSubmit={open} noValidate>
        <Field label="Link to a call">
          {(id) => (
            <input
              id={id}
              className="input"
              type="url"
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              placeholder={`${location.origin}/#demo=…`}
              value={link}
              onChange={(event) => setLink(event.target.value)}
              aria-describedby={complaint ? "complaint" : undefined}
              aria-invalid={complaint !== null}
            />
          )}
        </Field>
        <button type="submit" className="button primary" disabled={link.trim() === ""}>
          Open
        </button>
        {complaint && (
          <p className="complaint" id="complaint" role="alert" data-testid="error">
            {complaint}
          </p>
        )}
      </form>

      <section className="ways" aria-label="How to get a link">
        <div className="way">
          <h2>Try it</h2>
          <p>
            Start the server in demo mode. It prints a link that you can open in as many tabs as you like.
          </p>
          <pre className="code">rotunda serve --demo</pre>
        </div>
        <div className="way">
          <h2>Use it</h2>
          <p>
            Create a room, generate a client token over the REST API, and hand both on in the part of the
            address that is never sent to a server.
          </p>
          <pre className="code">{`${location.host}/#room=…&token=…`}</pre>
        </div>
      </section>
      <p className="fine">
        <a href="/docs">API reference</a>
      </p>
    </main>
  );
}
