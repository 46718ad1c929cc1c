-- What making recordings needs beyond their record.

-- +goose Up
ALTER TABLE recordings ADD COLUMN stream_id TEXT NOT NULL DEFAULT '';

-- A recording that ended waits for the archive: archive_at is when the next attempt is due, and archive_failure why the last one failed.
ALTER TABLE recordings ADD COLUMN archive_at INTEGER;
ALTER TABLE recordings ADD COLUMN archive_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN archive_failure TEXT NOT NULL DEFAULT '';
CREATE INDEX recordings_unfinished ON recordings (started_at) WHERE status = 'processing' AND ended_at IS NULL;
CREATE INDEX recordings_unarchived ON recordings (archive_at, id) WHERE archive_at IS NOT NULL;
