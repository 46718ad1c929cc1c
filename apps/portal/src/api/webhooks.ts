/** What is told to webhooks; api/openapi.yaml says what each field means. */
export type DeliveryStatus = "pending" | "delivered" | "failed" | "skipped";

export interface Delivery {
  id: string;
  status: DeliveryStatus;
  webhook_event_url: string | null;
  webhook_event_failover_url: string | null;
  webhook: { event_type: string; id: string; occurred_at: string; payload: unknown };
  started_at: string | null;
  finished_at: string | null;
  /** The latest comes first. */
  attempts: Attempt[];
}

export interface Attempt {
  status: "delivered" | "failed";
  started_at: string;
  finished_at: string;
  http: {
    request: { url: string; headers: [string, string][] };
    response: { status: number; headers: [string, string][]; body: string } | null;
  };
  errors: number[];
}

export interface WebhookSettings {
  webhook_event_url: string | null;
  webhook_event_failover_url: string | null;
  webhook_timeout_secs: number | null;
  secret: string | null;
  old_secret_expires_at: string | null;
  extra_event_types: string[];
}

export interface PublicKey {
  public_key: string;
  next_public_key: string | null;
}

/** The filters of a list of deliveries, as the address of the screen has them. */
export interface DeliveriesSearch {
  status?: DeliveryStatus;
  type?: string;
  text?: string;
  answer?: string;
  /** When the events occurred. */
  from?: string;
  until?: string;
  page?: number;
}

/** The same as parameters of the API. */
export function filtersOf({ status, type, text, answer, from, until }: DeliveriesSearch) {
  return {
    "filter[status][eq]": status,
    "filter[event_type]": type,
    "filter[webhook][contains]": text,
    "filter[attempts][contains]": answer,
    "filter[occurred_at][gte]": from,
    "filter[occurred_at][lte]": until,
  };
}
