-- Refused joins, which are looked for over all sessions. They are few among what happens.

-- +goose Up
CREATE INDEX happenings_refused ON happenings (at) WHERE type = 'join_refused';
