import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { Order } from "../api/types";
import { type Fault, readOrder } from "./check";
import { JsonFault, positionOf, readJson } from "./json";
import { bodyOf } from "./order";

/** What is wrong with the text, and where. */
interface Complaint {
  offset: number;
  detail: string;
}

const write = (order: Order) => JSON.stringify(bodyOf(order), null, 2);

/** What the text asks for, as far as it does, and what is wrong with it. */
function read(text: string, refused: Fault[]): { order?: Order; complaints: Complaint[] } {
  try {
    const { value, places } = readJson(text);
    const { order, faults } = readOrder(value);
    const all = [...faults, ...refused];
    const complaints = all.map(({ at, detail }) => ({ offset: placeOf(at, places), detail }));
    return faults.length === 0 ? { order, complaints } : { complaints };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return { complaints: [{ offset: error.offset, detail: `This is no JSON. ${error.message}.` }] };
  }
}

/** Where a value stands, or what it would be in if it is not there. */
function placeOf(at: string, places: Map<string, number>): number {
  for (let path = at; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
    const place = places.get(path);
    if (place !== undefined) return place;
  }
  return places.get("") ?? 0;
}

interface Props {
  order: Order;
  /** What the server refused of it. */
  refused: Fault[];
  onChange: (order: Order) => void;
}

/** The body of the request as text. The drawing follows it, and it follows the drawing; while it is wrong, it says where. */
export function JsonEditor({ order, refused, onChange }: Props) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => write(order));
  const own = useRef(order);
  useEffect(() => {
    if (order !== own.current) setText(write(order));
    own.current = order;
  }, [order]);
  const { complaints } = useMemo(() => read(text, refused), [text, refused]);
  const edit = (next: string) => {
    setText(next);
    const { order: asked } = read(next, []);
    if (!asked) return;
    own.current = asked;
    onChange(asked);
  };
  const show = ({ offset }: Complaint) => {
    field.current?.focus();
    field.current?.setSelectionRange(offset, Math.min(offset + 1, text.length));
  };
  return (
    <section className="json card" aria-label="As JSON">
      <label htmlFor={id}>The same as JSON</label>
      <textarea
        id={id}
        ref={field}
        className="input mono"
        spellCheck={false}
        rows={18}
        aria-invalid={complaints.length > 0 ? true : undefined}
        aria-describedby={`${id}-faults`}
        value={text}
        onChange={(event) => edit(event.target.value)}
      />
      <ul id={`${id}-faults`} aria-live="polite">
        {complaints.map((complaint) => {
          const { line, column } = positionOf(text, complaint.offset);
          return (
            <li key={`${complaint.offset} ${complaint.detail}`} className="complaint">
              <button type="button" className="link" onClick={() => show(complaint)}>
                Line {line}, column {column}
              </button>
              : {complaint.detail}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
