import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type Call, query, send, sendOne } from "../api/client";
import type { Page } from "../api/types";
import { type DeliveriesSearch, type Delivery, type DeliveryStatus, filtersOf } from "../api/webhooks";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { Listing } from "../ui/Listing";
import { Pages } from "../ui/Pages";
import { SpanFilter } from "../ui/SpanFilter";
import type { Column } from "../ui/Table";
import { Time } from "../ui/Time";
import { TestEvent } from "./TestEvent";

const types = [
  "video.room.session.started",
  "video.room.session.ended",
  "video.room.participant.joined",
  "video.room.participant.left",
  "video.room.recording.started",
  "video.room.recording.completed",
  "video.room.recording.failed",
  "video.room.composition.completed",
  "video.room.composition.failed",
  "rotunda.test",
];
const words: Record<DeliveryStatus, string> = {
  pending: "Pending",
  delivered: "Delivered",
  failed: "Failed",
  skipped: "No URL",
};
const looks: Record<DeliveryStatus, string> = {
  pending: "",
  delivered: "live",
  failed: "failed",
  skipped: "off",
};

/** What has become of a delivery, in a word. */
export function Status({ status }: { status: DeliveryStatus }) {
  return <span className={`badge ${looks[status]}`}>{words[status]}</span>;
}

/** The two views of webhooks. */
export function WebhookTabs() {
  return (
    <nav className="tabs" aria-label="Webhooks">
      <Link to="/webhooks" activeOptions={{ exact: true, includeSearch: false }}>
        Deliveries
      </Link>
      <Link to="/webhooks/settings">Settings and keys</Link>
    </nav>
  );
}

const columns: Column<Delivery>[] = [
  {
    name: "Event",
    cell: (delivery) => (
      <Link to="/webhooks/$deliveryId" params={{ deliveryId: delivery.id }} className="row-link">
        {delivery.webhook.event_type}
      </Link>
    ),
  },
  { name: "State", cell: ({ status }) => <Status status={status} /> },
  { name: "When", cell: ({ webhook }) => <Time at={webhook.occurred_at} /> },
  { name: "Attempts", cell: ({ attempts }) => attempts.length, figures: true, wideOnly: true },
  {
    name: "Last answer",
    cell: ({ attempts }) => {
      const last = attempts[0]; // they come newest first
      if (!last) return <span className="muted">–</span>;
      return last.http.response?.status ?? <span className="wrong">{last.errors.join(", ") || "none"}</span>;
    },
    figures: true,
  },
  {
    name: "To",
    cell: ({ webhook_event_url: url }) => url ?? <span className="muted">nowhere</span>,
    wideOnly: true,
  },
  { name: "Id", cell: ({ id }) => <Id id={id} />, wideOnly: true },
];

/** What was told to webhooks, and what came of it. */
export function WebhooksScreen() {
  const search = useSearch({ from: "/inside/webhooks" });
  const navigate = useNavigate({ from: "/webhooks" });
  const [open, setOpen] = useState<"test" | "redeliver">();
  const call: Call = {
    method: "GET",
    path: `/webhook_deliveries${query({ ...filtersOf(search), "page[number]": search.page, "page[size]": 50 })}`,
  };
  const deliveries = useQuery({
    queryKey: ["deliveries", call.path],
    queryFn: ({ signal }) => send<Page<Delivery>>(call, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 3_000,
  });
  const go = (changes: DeliveriesSearch) =>
    void navigate({ search: { ...search, page: undefined, ...changes }, replace: "text" in changes });
  const filtered = Boolean(
    search.status || search.type || search.text || search.answer || search.from || search.until,
  );
  const total = deliveries.data?.meta.total_results ?? 0;
  return (
    <div className="screen">
      <header className="heading">
        <h1>Webhooks</h1>
        <div className="actions">
          <button
            type="button"
            className="button"
            disabled={total === 0}
            onClick={() => setOpen("redeliver")}
          >
            Deliver again
          </button>
          <button type="button" className="button primary" onClick={() => setOpen("test")}>
            Send a test
          </button>
        </div>
      </header>
      <WebhookTabs />
      <div className="filters">
        <select
          className="select"
          aria-label="Filter by state"
          value={search.status ?? ""}
          onChange={({ target }) => go({ status: (target.value || undefined) as DeliveryStatus | undefined })}
        >
          <option value="">Every state</option>
          {Object.entries(words).map(([status, word]) => (
            <option key={status} value={status}>
              {word}
            </option>
          ))}
        </select>
        <select
          className="select"
          aria-label="Filter by event"
          value={search.type ?? ""}
          onChange={({ target }) => go({ type: target.value || undefined })}
        >
          <option value="">Every event</option>
          {types.map((type) => (
            <option key={type}>{type}</option>
          ))}
        </select>
        <input
          type="search"
          className="input"
          aria-label="Filter by text in the event, such as an id"
          placeholder="Text in the event"
          value={search.text ?? ""}
          onChange={({ target }) => go({ text: target.value || undefined })}
        />
        <SpanFilter what="Occurred" from={search.from} until={search.until} onChange={go} />
        <Pages
          meta={deliveries.data?.meta}
          noun={["delivery", "deliveries"]}
          onTurn={(page) => void navigate({ search: { ...search, page: page > 1 ? page : undefined } })}
        />
      </div>
      <Listing
        label="Webhook deliveries"
        call={call}
        list={deliveries}
        columns={columns}
        id={(delivery) => delivery.id}
        empty={
          filtered ? (
            <p>No delivery is like that.</p>
          ) : (
            <p>
              Nothing was told yet. Set a URL in <Link to="/webhooks/settings">the settings</Link> or for a
              room, and send a test.
            </p>
          )
        }
      />
      {open === "test" && <TestEvent onClose={() => setOpen(undefined)} />}
      {open === "redeliver" && (
        <RedeliverAll search={search} total={total} filtered={filtered} onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

function RedeliverAll({
  search,
  total,
  filtered,
  onClose,
}: {
  search: DeliveriesSearch;
  total: number;
  filtered: boolean;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const filters = filtered ? filtersOf(search) : { "filter[all]": "true" };
  const call: Call = { method: "POST", path: `/webhook_deliveries/actions/redeliver${query(filters)}` };
  const redeliver = useMutation({
    mutationFn: () => sendOne<{ webhook_deliveries: number }>(call),
    onSuccess: () => client.invalidateQueries({ queryKey: ["deliveries"] }),
  });
  const many = `${total.toLocaleString("en")} ${total === 1 ? "event" : "events"}`;
  return (
    <Dialog title="Deliver again" onClose={onClose}>
      <div className="form">
        {redeliver.data ? (
          <p role="status">
            {redeliver.data.webhook_deliveries.toLocaleString("en")}{" "}
            {redeliver.data.webhook_deliveries === 1 ? "is on its way." : "are on their way."}
          </p>
        ) : (
          <p>
            This sends {filtered ? `the ${many} that the filters choose` : `all ${many}`} again, delivered
            ones too. Receivers know them by their ids, which stay.
          </p>
        )}
        <Fault error={redeliver.error} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            {redeliver.data ? "Done" : "Cancel"}
          </button>
          {!redeliver.data && (
            <button
              type="button"
              className="button primary"
              disabled={redeliver.isPending}
              onClick={() => redeliver.mutate()}
            >
              Deliver {many} again
            </button>
          )}
        </footer>
      </div>
    </Dialog>
  );
}
