import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type Call, sendOne } from "../api/client";
import type { Attempt, Delivery } from "../api/webhooks";
import { Id } from "../ui/Copy";
import { Curl } from "../ui/Curl";
import { Fault } from "../ui/Fault";
import { Time } from "../ui/Time";
import { Status } from "./WebhooksScreen";

/** What the codes of failed attempts mean. */
const faults: Record<number, string> = {
  75000: "Something else went wrong",
  75001: "The name was not resolved",
  75002: "No connection, or the address is not allowed",
  75003: "The certificate is not good",
  75004: "The certificate has expired",
  75005: "The certificate is for another name",
  75006: "Nobody trusted signed the certificate",
  75300: "It redirected, which webhooks do not follow",
  75400: "It answered 400",
  75404: "It answered 404",
  75499: "It answered another 4xx",
  75500: "It answered 500",
  75599: "It answered another 5xx",
};

/** One event: what was said, and how each attempt to say it went. */
export function WebhookScreen() {
  const { deliveryId } = useParams({ from: "/inside/webhooks/$deliveryId" });
  const client = useQueryClient();
  const call: Call = { method: "GET", path: `/webhook_deliveries/${deliveryId}` };
  const delivery = useQuery({
    queryKey: ["delivery", deliveryId],
    queryFn: ({ signal }) => sendOne<Delivery>(call, signal),
    refetchInterval: ({ state }) => (state.data?.status === "pending" ? 1_000 : 10_000),
  });
  const again: Call = { method: "POST", path: `/webhook_deliveries/${deliveryId}/actions/redeliver` };
  const redeliver = useMutation({
    mutationFn: () => sendOne<Delivery>(again),
    onSuccess: (changed) => client.setQueryData(["delivery", deliveryId], changed),
  });
  const trail = (
    <p className="trail">
      <Link to="/webhooks">Webhooks</Link>
    </p>
  );
  if (!delivery.data) {
    return (
      <div className="screen">
        {trail}
        <Fault error={delivery.error} />
      </div>
    );
  }
  const {
    webhook,
    status,
    attempts,
    webhook_event_url: url,
    webhook_event_failover_url: failover,
  } = delivery.data;
  return (
    <div className="screen">
      {trail}
      <header className="heading">
        <h1>{webhook.event_type}</h1>
        <div className="actions">
          <button
            type="button"
            className="button"
            disabled={redeliver.isPending || status === "pending"}
            onClick={() => redeliver.mutate()}
          >
            Deliver again
          </button>
        </div>
      </header>
      <Fault error={redeliver.error} />
      <dl className="facts card">
        <div>
          <dt>State</dt>
          <dd>
            <span role="status">
              <Status status={status} />
            </span>
          </dd>
        </div>
        <div>
          <dt>Happened</dt>
          <dd>
            <Time at={webhook.occurred_at} />
          </dd>
        </div>
        <div>
          <dt>Id</dt>
          <dd>
            <Id id={deliveryId} />
          </dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>{url ?? "No URL was set, so it went nowhere"}</dd>
        </div>
        {failover && (
          <div>
            <dt>If that fails</dt>
            <dd>{failover}</dd>
          </div>
        )}
      </dl>
      <section className="stack" aria-labelledby="event">
        <h2 id="event">What is said</h2>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
        <pre className="sent" tabIndex={0}>
          {JSON.stringify(webhook, null, 2)}
        </pre>
      </section>
      <section className="stack" aria-labelledby="attempts">
        <h2 id="attempts">Attempts</h2>
        {attempts.length === 0 && (
          <p className="empty">{status === "skipped" ? "None: there is no URL." : "None yet."}</p>
        )}
        {attempts.map((attempt, i) => (
          <One key={attempt.started_at} attempt={attempt} number={attempts.length - i} />
        ))}
      </section>
      <Curl call={again} />
    </div>
  );
}

function One({ attempt, number }: { attempt: Attempt; number: number }) {
  const { request, response } = attempt.http;
  const took = new Date(attempt.finished_at).getTime() - new Date(attempt.started_at).getTime();
  const good = attempt.status === "delivered";
  return (
    <article className="card exchange" aria-label={`Attempt ${number}`}>
      <header>
        <strong>Attempt {number}</strong>
        <span className={`badge ${good ? "live" : "failed"}`}>
          {response ? `Answer ${response.status}` : "No answer"}
        </span>
        <span className="muted">
          <Time at={attempt.started_at} />, took {took} ms
        </span>
      </header>
      {attempt.errors.map((code) => (
        <p key={code} className="small">
          {faults[code] ?? "It failed"} <span className="muted">({code})</span>
        </p>
      ))}
      <h3>Request to {request.url}</h3>
      <Headers all={request.headers} />
      {response && (
        <>
          <h3>Answer</h3>
          <Headers all={response.headers} />
          {response.body && (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
            <pre className="sent" tabIndex={0}>
              {response.body}
            </pre>
          )}
        </>
      )}
    </article>
  );
}

function Headers({ all }: { all: [string, string][] }) {
  if (all.length === 0) return null;
  return (
    <dl>
      {all.map(([name, value], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a header may come twice, and they never change
        <div key={i} className="header">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
