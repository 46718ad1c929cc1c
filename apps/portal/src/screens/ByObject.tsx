import { IconX } from "@tabler/icons-react";

/** Says that a list is only that of one object, and takes that back. */
export function ByObject({
  what,
  id,
  onClear,
}: {
  what: string;
  id: string | undefined;
  onClear: () => void;
}) {
  if (!id) return null;
  return (
    <button type="button" className="button" title={id} onClick={onClear}>
      Of {what} {id.slice(0, 8)}
      <IconX size={16} aria-hidden />
      <span className="visually-hidden">, show all</span>
    </button>
  );
}
