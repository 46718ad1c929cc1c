-- What was told to webhooks of a session, in order.

-- +goose Up
CREATE INDEX deliveries_session ON deliveries (session_id, occurred_at, id);
