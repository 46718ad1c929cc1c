-- Refused joins, which are looked for over all sessions. They are few among what happens.

-- +goose Up
CREATE INDEX happenings_refused ON happenings (at) WHERE type = 'join_refused';
-- Names that are looked through. SQLite reads rows for a partial index that does not hold the columns of its condition. The length keeps it from other queries.
CREATE INDEX rooms_search ON rooms (account, unique_name, deleted_at) WHERE deleted_at IS NULL AND length(unique_name) > 0;
