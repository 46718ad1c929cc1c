import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useId } from "react";

interface Common {
  label: string;
  hint?: ReactNode;
  fault?: string | undefined;
}

function Around({ id, label, hint, fault, children }: Common & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p className="complaint" id={`${id}-fault`} role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

const described = (id: string, { hint, fault }: Common) =>
  [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ") || undefined;

/** A line of text with its label, a hint and what is wrong with it. */
export function TextField({ label, hint, fault, ...rest }: Common & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <input
        id={id}
        className="input"
        aria-invalid={fault ? true : undefined}
        aria-describedby={described(id, { label, hint, fault })}
        {...rest}
      />
    </Around>
  );
}

/** One of some choices, by value and name. */
export function ChoiceField({
  label,
  hint,
  fault,
  choices,
  ...rest
}: Common & { choices: [string, string][] } & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Around id={id} label={label} hint={hint} fault={fault}>
      <select id={id} className="select" aria-describedby={described(id, { label, hint, fault })} {...rest}>
        {choices.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Around>
  );
}
