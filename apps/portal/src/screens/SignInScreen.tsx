import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { sendOne } from "../api/client";
import { useEnter } from "../api/session";
import type { PortalSession } from "../api/types";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { Entrance } from "./Entrance";

export function SignInScreen() {
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
      void navigate({ to: to?.startsWith("/") && !to.startsWith("//") ? to : "/" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <Entrance title="Sign in">
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
        <button type="submit" className="button primary wide" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p className="muted small">
        A new server prints a setup link when it starts. For a forgotten password, an owner makes a link under
        Members, or on the server: <code>rotunda member reset EMAIL</code>
      </p>
    </Entrance>
  );
}
