-- Compositions as jobs. next_at is when the next attempt is due, NULL while one is under way and when none is to come.

-- +goose Up
ALTER TABLE compositions ADD COLUMN settings TEXT COLLATE "C" NOT NULL DEFAULT '{"grid":"reflow","fit":"letterbox","labels":false}'; -- JSON
ALTER TABLE compositions ADD COLUMN progress BIGINT NOT NULL DEFAULT 0;
ALTER TABLE compositions ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE compositions ADD COLUMN warnings TEXT COLLATE "C" NOT NULL DEFAULT '[]'; -- JSON
ALTER TABLE compositions ADD COLUMN offset_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE compositions ADD COLUMN speed DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE compositions ADD COLUMN next_at BIGINT;
UPDATE compositions SET next_at = created_at WHERE status = 'enqueued';
CREATE INDEX compositions_due ON compositions (next_at, id) WHERE next_at IS NOT NULL;

-- The recordings a composition is made of, fixed when it was asked for. A recording may be deleted before.
CREATE TABLE composition_sources (
    composition_id TEXT COLLATE "C" NOT NULL REFERENCES compositions (id) ON DELETE CASCADE,
    recording_id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (composition_id, recording_id)
);
INSERT INTO composition_sources (composition_id, recording_id)
    SELECT c.id, r.id FROM compositions AS c JOIN recordings AS r ON r.session_id = c.session_id WHERE c.status = 'enqueued';
