import { TextField } from "../ui/Field";

/** A password that is being chosen. */
export function NewPasswordField({
  label,
  value,
  onChange,
  fault,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  fault: string | undefined;
}) {
  return (
    <TextField
      label={label}
      type="password"
      autoComplete="new-password"
      required
      minLength={10}
      hint="10 characters or more."
      value={value}
      onChange={({ target }) => onChange(target.value)}
      fault={fault}
    />
  );
}
