import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, sendOne } from "../api/client";
import { useEnter } from "../api/session";
import type { PortalSession } from "../api/types";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { Entrance } from "./Entrance";
import { NewPasswordField } from "./NewPasswordField";
import { useSecret } from "./secret";

interface Props {
  title: string;
  lead: string;
  button: string;
  /** The setup link's holder says who they are. */
  asksWho?: boolean;
  then: "/" | "/start";
}

/** Spends a link of the server. */
export function PasswordForm({ title, lead, button, asksWho = false, then }: Props) {
  const secret = useSecret();
  const navigate = useNavigate();
  const enter = useEnter();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const use = useMutation({
    mutationFn: () =>
      sendOne<PortalSession>({
        method: "POST",
        path: "/portal_session/actions/use_link",
        body: { link_secret: secret, password, ...(asksWho && { email: email.trim(), name: name.trim() }) },
      }),
    onSuccess: (session) => {
      enter(session);
      void navigate({ to: then });
    },
  });
  const refused = use.error instanceof ApiError ? use.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    use.mutate();
  };
  if (!secret) {
    return (
      <Entrance title={title}>
        <p>
          The link is not whole: what comes after its # is missing. Open it as it was printed, or sign in.
        </p>
        <a className="button wide" href="/portal/sign-in">
          Sign in
        </a>
      </Entrance>
    );
  }
  return (
    <Entrance title={title} lead={lead}>
      <form className="form" onSubmit={submit}>
        {asksWho && (
          <>
            <TextField
              label="Your name"
              autoComplete="name"
              required
              value={name}
              onChange={(e) => setName(e.target.value)}
              fault={refused?.of("name")}
            />
            <TextField
              label="Email"
              type="email"
              autoComplete="username"
              required
              hint="What you sign in with. Nothing is sent there."
              value={email}
              onChange={(e) => setEmail(e.target.value)}
              fault={refused?.of("email")}
            />
          </>
        )}
        <NewPasswordField
          label="Password"
          value={password}
          onChange={setPassword}
          fault={refused?.of("password")}
        />
        <Fault error={use.error} fields={["name", "email", "password"]} />
        <button type="submit" className="button primary wide" disabled={use.isPending}>
          {button}
        </button>
      </form>
    </Entrance>
  );
}
