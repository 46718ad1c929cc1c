import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import type { Page } from "../api/types";

const whole = new Intl.NumberFormat("en");

/** How many there are, and the way through them. */
export function Pages({
  meta,
  noun,
  onTurn,
}: {
  meta: Page<unknown>["meta"] | undefined;
  noun: [one: string, many: string];
  onTurn: (page: number) => void;
}) {
  if (!meta) return <p className="pages muted">Loading…</p>;
  const { total_results: total, page_number: number, page_size: size, total_pages: last } = meta;
  const from = (number - 1) * size + 1;
  return (
    <div className="pages">
      <p className="muted" role="status">
        {total === 0
          ? `No ${noun[1]}`
          : last === 1
            ? `${whole.format(total)} ${total === 1 ? noun[0] : noun[1]}`
            : `${whole.format(from)} to ${whole.format(Math.min(total, from + size - 1))} of ${whole.format(total)} ${noun[1]}`}
      </p>
      {last > 1 && (
        <div className="turn">
          <button
            type="button"
            className="icon-button"
            aria-label="Previous page"
            disabled={number <= 1}
            onClick={() => onTurn(number - 1)}
          >
            <IconChevronLeft size={18} />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Next page"
            disabled={number >= last}
            onClick={() => onTurn(number + 1)}
          >
            <IconChevronRight size={18} />
          </button>
        </div>
      )}
    </div>
  );
}
