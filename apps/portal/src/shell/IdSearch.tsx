import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/** Takes the name of a room, and any id or the beginning of one. The key / leads to it. */
export function IdSearch() {
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (
        event.key !== "/" ||
        target.closest("input, textarea, select, dialog") ||
        event.ctrlKey ||
        event.metaKey
      )
        return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  return (
    <search className="seek">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const text = field.current?.value.trim();
          if (!field.current || !text) return;
          field.current.value = "";
          document.getElementById("content")?.focus(); // where what was found will be
          void navigate({ to: "/search", search: { text } });
        }}
      >
        <input
          ref={field}
          className="input"
          type="search"
          aria-label="Find a room by name, or anything by id"
          placeholder="Room or any id"
        />
        <kbd aria-hidden>/</kbd>
      </form>
    </search>
  );
}
