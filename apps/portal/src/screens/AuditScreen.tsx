import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type Call, query, send } from "../api/client";
import type { AuditEvent, Page } from "../api/types";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { Pages } from "../ui/Pages";
import { type Column, Table } from "../ui/Table";
import { Time } from "../ui/Time";

const columns: Column<AuditEvent>[] = [
  { name: "When", cell: (event) => <Time at={event.at} /> },
  {
    name: "Who",
    cell: ({ actor }) =>
      actor.member_name ?? actor.api_key_name ?? <span className="muted">nobody known</span>,
  },
  { name: "What", cell: (event) => <code>{event.action}</code> },
  { name: "Object", cell: (event) => event.object_id && <Id id={event.object_id} />, wideOnly: true },
  { name: "Detail", cell: (event) => <span className="muted">{event.detail}</span>, wideOnly: true },
  { name: "From", cell: ({ actor }) => actor.address, wideOnly: true },
];

const actions = [
  "room.create",
  "room.update",
  "room.delete",
  "room_session.end",
  "room_session.kick",
  "api_key.create",
  "api_key.revoke",
  "member.create",
  "member.sign_in",
  "member.connect",
  "member.update",
  "member.delete",
];

/** Who changed what, when and from where. */
export function AuditScreen() {
  const seek = useSearch({ from: "/inside/audit" });
  const navigate = useNavigate({ from: "/audit" });
  const call: Call = {
    method: "GET",
    path: `/audit_events${query({ "filter[action]": seek.action, "page[number]": seek.page, "page[size]": 50 })}`,
  };
  const events = useQuery({
    queryKey: ["audit", seek],
    queryFn: ({ signal }) => send<Page<AuditEvent>>(call, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="screen">
      <header className="heading">
        <h1>Audit log</h1>
      </header>
      <div className="filters">
        <select
          className="select"
          aria-label="Filter by action"
          value={seek.action ?? ""}
          onChange={(event) => void navigate({ search: { action: event.target.value || undefined } })}
        >
          <option value="">Every action</option>
          {actions.map((action) => (
            <option key={action}>{action}</option>
          ))}
        </select>
        <Pages
          meta={events.data?.meta}
          noun={["entry", "entries"]}
          onTurn={(page) => void navigate({ search: { ...seek, page: page > 1 ? page : undefined } })}
        />
      </div>
      <Fault error={events.error} />
      {events.data && (
        <Table
          label="Audit log"
          columns={columns}
          rows={events.data.data}
          id={(event) => event.id}
          empty={<p>Nothing was changed yet{seek.action && " by this action"}.</p>}
        />
      )}
      <Curl call={call} />
    </div>
  );
}
