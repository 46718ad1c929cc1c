import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Call, send } from "../api/client";
import type { Spanned } from "../api/records";
import type { Page } from "../api/types";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import { SpanFilter } from "../ui/SpanFilter";
import type { Column } from "../ui/Table";

/** One of the lists of what was held: sessions, people, refused joins. The newest are asked for every few seconds. */
export function RecordList<T extends { id: string }>({
  title,
  noun,
  call,
  columns,
  spanned,
  seek,
  onSeek,
  children,
  empty,
}: {
  title: string;
  /** What one of them is called, and several. */
  noun: [string, string];
  call: Call;
  columns: Column<T>[];
  /** What happened in the span of time that can be chosen: "Joined". */
  spanned: string;
  seek: Spanned;
  /** Takes over what was chosen. */
  onSeek: (change: Spanned) => void;
  /** Further filters. */
  children: ReactNode;
  /** What is said when there are none. */
  empty: ReactNode;
}) {
  const list = useQuery({
    queryKey: ["records", call.path],
    queryFn: ({ signal }) => send<Page<T>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
  return (
    <div className="screen">
      <header className="heading">
        <h1>{title}</h1>
      </header>
      <Tabs />
      <search className="filters">
        {children}
        <SpanFilter what={spanned} from={seek.from} until={seek.until} onChange={onSeek} />
        <Pages
          meta={list.data?.meta}
          noun={noun}
          onTurn={(page) => onSeek({ page: page > 1 ? page : undefined })}
        />
      </search>
      <Listing
        label={title}
        call={call}
        list={list}
        columns={columns}
        id={({ id }) => id}
        empty={<p>{empty}</p>}
      />
    </div>
  );
}

function Tabs() {
  return (
    <nav className="tabs" aria-label="Sessions">
      <Link to="/sessions" activeOptions={{ exact: true, includeSearch: false }}>
        Sessions
      </Link>
      <Link to="/sessions/people" activeOptions={{ includeSearch: false }}>
        People
      </Link>
      <Link to="/sessions/refused" activeOptions={{ includeSearch: false }}>
        Refused joins
      </Link>
    </nav>
  );
}
