import type { ReactNode } from "react";

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** Figures stand to the right. */
  figures?: boolean;
  /** Left out where there is little room. */
  wideOnly?: boolean;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  /** What to do when there is nothing. */
  empty: ReactNode;
}

/** Rows with a head that stays in view. Lists come page by page, so that every row can be there. */
export function Table<T>({ label, columns, rows, id, empty }: Props<T>) {
  if (rows.length === 0) return <div className="empty">{empty}</div>;
  const kind = (column: Column<T>) =>
    [column.figures && "figures", column.wideOnly && "wide-only"].filter(Boolean).join(" ");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
    <section className="table-frame" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" className={kind(column)}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((column) => (
                <td key={column.name} className={kind(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
