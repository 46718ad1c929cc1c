-- Refused joins, which are looked for over all sessions. They are few among what happens.

-- +goose Up
CREATE INDEX happenings_refused ON happenings (at, seq) WHERE type = 'join_refused';
