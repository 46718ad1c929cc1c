import { PasswordForm } from "./PasswordForm";

/** Makes the owner, by the link that the server printed. */
export function SetupScreen() {
  return (
    <PasswordForm
      title="Set up your server"
      lead="You become its owner: you can do everything here, and let others in."
      asksWho
      then="/start"
      button="Become owner"
    />
  );
}
