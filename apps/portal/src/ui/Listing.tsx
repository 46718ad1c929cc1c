import type { ReactNode } from "react";
import type { Call } from "../api/client";
import type { Page } from "../api/types";
import { Curl } from "./Curl";
import { Fault } from "./Fault";
import { type Column, Table } from "./Table";

/** A page of a list: what went wrong, the rows or what to do when there are none, and the call. */
export function Listing<T>({
  label,
  call,
  list,
  error = list.error,
  columns,
  id,
  empty,
}: {
  label: string;
  call: Call;
  list: { data?: Page<T> | undefined; error: unknown };
  /** Where more than the list can fail. */
  error?: unknown;
  columns: Column<T>[];
  id: (row: T) => string;
  empty: ReactNode;
}) {
  return (
    <>
      <Fault error={error} />
      {list.data && <Table label={label} columns={columns} rows={list.data.data} id={id} empty={empty} />}
      <Curl call={call} />
    </>
  );
}
