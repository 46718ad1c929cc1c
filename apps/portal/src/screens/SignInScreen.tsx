import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { sendOne } from "../api/client";
import { useEnter } from "../api/session";
import { methodsQuery } from "../api/signin";
import type { PortalSession } from "../api/types";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { Entrance } from "./Entrance";
import { beginOidc } from "./oidcReturn";
import { ownPath } from "./ownPath";

/** Lets members in, by the ways that the operator allows. */
export function SignInScreen() {
  const methods = useQuery(methodsQuery);
  if (methods.isPending) return <Entrance title="Sign in">{null}</Entrance>;
  const provider = methods.data?.oidc?.name;
  return (
    <Entrance title="Sign in">
      {provider && <ProviderButton name={provider} />}
      {provider && (
        <p className="or muted small">
          {methods.data?.passwords === "owners" ? "or, as an owner, with a password" : "or with a password"}
        </p>
      )}
      <PasswordSignIn first={!provider} />
      <p className="muted small">
        {provider
          ? "Who cannot get in that way needs a link, which an owner makes under Members, or on the server: "
          : "A new server prints a setup link when it starts. For a forgotten password, an owner makes a link under Members, or on the server: "}
        <code>rotunda member reset EMAIL</code>
      </p>
    </Entrance>
  );
}

function ProviderButton({ name }: { name: string }) {
  const { to } = useSearch({ from: "/sign-in" });
  const begin = useMutation({ mutationFn: () => beginOidc(to) });
  return (
    <>
      <Fault error={begin.error} />
      <button
        type="button"
        className="button primary wide"
        disabled={begin.isPending}
        onClick={() => begin.mutate()}
      >
        {begin.isPending ? "On the way…" : `Sign in with ${name}`}
      </button>
    </>
  );
}

function PasswordSignIn({ first }: { first: boolean }) {
  const { to } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const enter = useEnter();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () =>
      sendOne<PortalSession>({
        method: "POST",
        path: "/portal_session",
        body: { email: email.trim(), password },
      }),
    onSuccess: (session) => {
      enter(session);
      void navigate({ to: ownPath(to) });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <TextField
        label="Email"
        type="email"
        autoComplete="username"
        required
        value={email}
        onChange={(e) => setEmail(e.target.value)}
      />
      <TextField
        label="Password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(e) => setPassword(e.target.value)}
      />
      <Fault error={signIn.error} />
      <button
        type="submit"
        className={first ? "button primary wide" : "button wide"}
        disabled={signIn.isPending}
      >
        {signIn.isPending ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}
