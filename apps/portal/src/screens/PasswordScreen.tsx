import { PasswordForm } from "./PasswordForm";

/** Lets a member choose a password, by the link they were given. */
export function PasswordScreen() {
  return (
    <PasswordForm
      title="Choose a password"
      lead="All your other sessions end."
      then="/"
      button="Choose it and sign in"
    />
  );
}
