import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, sendOne } from "../api/client";
import { useEnter, useSession } from "../api/session";
import type { PortalSession } from "../api/types";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { NewPasswordField } from "./NewPasswordField";

/** Changes one's own password. There is no curl for it: API keys cannot, it needs the session of the member. */
export function OwnPasswordScreen() {
  const { member } = useSession();
  const enter = useEnter();
  const [present, setPresent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation({
    mutationFn: () =>
      sendOne<PortalSession>({
        method: "POST",
        path: "/portal_session/actions/change_password",
        body: { present_password: present, password },
      }),
    onSuccess: (session) => {
      enter(session);
      setPresent("");
      setPassword("");
      setAgain("");
    },
  });
  const refused = change.error instanceof ApiError ? change.error : undefined;
  const differs = again !== "" && again !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!differs) change.mutate();
  };
  return (
    <div className="screen">
      <header className="heading">
        <h1>Your password</h1>
      </header>
      <form className="form card own-password" onSubmit={submit}>
        <p className="muted small">
          All your other sessions end. After some wrong guesses this address has to wait.
        </p>
        <input type="hidden" name="username" autoComplete="username" value={member.email} readOnly />
        <TextField
          label="Present password"
          type="password"
          autoComplete="current-password"
          required
          value={present}
          onChange={(event) => setPresent(event.target.value)}
          fault={refused?.of("present_password")}
        />
        <NewPasswordField
          label="New password"
          value={password}
          onChange={setPassword}
          fault={refused?.of("password")}
        />
        <TextField
          label="New password again"
          type="password"
          autoComplete="new-password"
          required
          value={again}
          onChange={(event) => setAgain(event.target.value)}
          fault={differs ? "It is not the same." : undefined}
        />
        <Fault error={change.error} fields={["present_password", "password"]} />
        {change.isSuccess && (
          <p role="status" className="small">
            Your password is changed, and your other sessions have ended.
          </p>
        )}
        <footer>
          <button type="submit" className="button primary" disabled={change.isPending || differs}>
            {change.isPending ? "Changing…" : "Change password"}
          </button>
        </footer>
      </form>
    </div>
  );
}
