-- What a backend developer and an operator need beyond rooms and their record.

-- +goose Up
ALTER TABLE account_totals ADD COLUMN recordings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account_totals ADD COLUMN compositions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account_totals ADD COLUMN deliveries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account_totals ADD COLUMN audits INTEGER NOT NULL DEFAULT 0;

ALTER TABLE api_keys ADD COLUMN rights TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_keys ADD COLUMN last_agent TEXT NOT NULL DEFAULT '';

-- Indexes that cover what their lists filter by, the condition of the index included, so that counting and skipping read no rows.
-- None but those in the order of a list begins with the account and holds all columns: a planner might take it for the whole list.
DROP INDEX rooms_created;
CREATE INDEX rooms_created ON rooms (account, created_at, id, updated_at, deleted_at) WHERE deleted_at IS NULL;
DROP INDEX rooms_updated;
CREATE INDEX rooms_updated ON rooms (account, updated_at, created_at, deleted_at) WHERE deleted_at IS NULL;
DROP INDEX sessions_open;
CREATE INDEX sessions_open ON sessions (account, created_at, id, ended_at) WHERE ended_at IS NULL;
DROP INDEX sessions_room;
CREATE INDEX sessions_room ON sessions (room_id, created_at, id, account, updated_at, ended_at);
DROP INDEX sessions_updated;
CREATE INDEX sessions_updated ON sessions (account, updated_at, created_at, ended_at);
DROP INDEX sessions_ended;
CREATE INDEX sessions_ended ON sessions (account, ended_at, created_at, updated_at);
DROP INDEX participants_updated;
CREATE INDEX participants_updated ON participants (account, updated_at, joined_at, left_at);
DROP INDEX participants_left;
CREATE INDEX participants_left ON participants (account, left_at, joined_at, updated_at);
DROP INDEX participants_context;
CREATE INDEX participants_context ON participants (context_key, account, joined_at, id, updated_at, left_at);

-- The last batch of the journal that was committed.
ALTER TABLE heartbeat ADD COLUMN batch TEXT NOT NULL DEFAULT '';

-- Families of client tokens that are dead before their time. A row is of no use once the longest refresh token has expired.
CREATE TABLE revoked_families (
    family     TEXT PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts (number),
    revoked_at INTEGER NOT NULL
) STRICT;
CREATE INDEX revoked_families_age ON revoked_families (revoked_at);

-- The key pairs that sign webhooks: one active, at most one prepared to follow it.
CREATE TABLE event_keys (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    public     BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    active     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_keys_one ON event_keys (account_id, active);

CREATE TABLE webhook_settings (
    account           INTEGER PRIMARY KEY REFERENCES accounts (number),
    url               TEXT NOT NULL,
    failover_url      TEXT NOT NULL,
    timeout_secs      INTEGER,
    secret            BLOB NOT NULL,
    old_secret        BLOB NOT NULL,
    old_secret_until  INTEGER,
    extra_event_types TEXT NOT NULL, -- separated by commas
    updated_at        INTEGER NOT NULL
) STRICT;

-- The outbox: a row is written in the transaction of the change it tells of. target is the URL of the next attempt, next_at
-- when that is due (while it is under way: when it is taken for lost), NULL when none is to come.
CREATE TABLE deliveries (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    account        INTEGER NOT NULL REFERENCES accounts (number),
    event_type     TEXT NOT NULL,
    room_id        TEXT NOT NULL,
    session_id     TEXT NOT NULL,
    participant_id TEXT NOT NULL,
    payload        TEXT NOT NULL,
    occurred_at    INTEGER NOT NULL,
    url            TEXT NOT NULL,
    failover_url   TEXT NOT NULL,
    timeout_secs   INTEGER,
    status         TEXT NOT NULL,
    step           INTEGER NOT NULL DEFAULT 0,
    attempts       INTEGER NOT NULL DEFAULT 0,
    target         TEXT NOT NULL,
    next_at        INTEGER,
    claimed        INTEGER NOT NULL DEFAULT 0,
    started_at     INTEGER,
    finished_at    INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_target ON deliveries (target, next_at, seq) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_occurred ON deliveries (account, occurred_at, id, started_at, finished_at);
CREATE INDEX deliveries_status ON deliveries (account, status, occurred_at, id);
CREATE INDEX deliveries_started ON deliveries (account, started_at, occurred_at, finished_at);
CREATE INDEX deliveries_finished ON deliveries (account, finished_at, occurred_at, started_at);
CREATE INDEX deliveries_participant ON deliveries (account, participant_id) WHERE participant_id <> '';
CREATE INDEX deliveries_age ON deliveries (occurred_at);

CREATE TABLE attempts (
    delivery        INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    url             TEXT NOT NULL,
    delivered       INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER NOT NULL,
    request_header  TEXT NOT NULL, -- JSON
    response_status INTEGER NOT NULL,
    response_header TEXT NOT NULL, -- JSON
    response_body   TEXT NOT NULL, -- what is no text is replaced
    errors          TEXT NOT NULL, -- JSON
    PRIMARY KEY (delivery, number)
) STRICT;

-- What happened in sessions, in order. data is JSON of what the columns do not hold.
CREATE TABLE happenings (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id     TEXT NOT NULL REFERENCES sessions (id),
    type           TEXT NOT NULL,
    at             INTEGER NOT NULL,
    participant_id TEXT NOT NULL,
    data           TEXT NOT NULL
) STRICT;
CREATE INDEX happenings_session ON happenings (session_id, seq);
CREATE INDEX happenings_age ON happenings (at);

-- Answers to requests that carried an idempotency key. status is 0 while the first one is being carried out.
CREATE TABLE idempotency (
    account    INTEGER NOT NULL REFERENCES accounts (number),
    key        BLOB NOT NULL, -- hash of the key
    request    BLOB NOT NULL, -- hash of method, path and body
    status     INTEGER NOT NULL,
    body       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE audits (
    id         TEXT PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts (number),
    at         INTEGER NOT NULL,
    action     TEXT NOT NULL,
    object_id  TEXT NOT NULL,
    detail     TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    key_name   TEXT NOT NULL,
    address    TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audits_at ON audits (account, at, id);
CREATE INDEX audits_object ON audits (account, object_id, at, id);
CREATE INDEX audits_action ON audits (account, action, at, id);

CREATE TABLE recordings (
    id             TEXT PRIMARY KEY,
    account        INTEGER NOT NULL REFERENCES accounts (number),
    room_id        TEXT NOT NULL REFERENCES rooms (id),
    session_id     TEXT NOT NULL REFERENCES sessions (id),
    participant_id TEXT NOT NULL,
    stream_key     TEXT NOT NULL,
    status         TEXT NOT NULL,
    failed_reason  TEXT NOT NULL,
    type           TEXT NOT NULL,
    codec          TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    duration_us    INTEGER NOT NULL,
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    completed_at   INTEGER,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_created ON recordings (account, created_at, id, started_at, ended_at, duration_us);
CREATE INDEX recordings_started ON recordings (account, started_at, created_at, ended_at, duration_us);
CREATE INDEX recordings_ended ON recordings (account, ended_at, created_at, started_at, duration_us);
CREATE INDEX recordings_room ON recordings (room_id, created_at, id);
CREATE INDEX recordings_session ON recordings (session_id, created_at, id);
CREATE INDEX recordings_participant ON recordings (account, participant_id, created_at, id);
CREATE INDEX recordings_status ON recordings (account, status, created_at, id);
CREATE INDEX recordings_type ON recordings (account, type, created_at, id);

CREATE TABLE compositions (
    id                         TEXT PRIMARY KEY,
    account                    INTEGER NOT NULL REFERENCES accounts (number),
    room_id                    TEXT NOT NULL REFERENCES rooms (id),
    session_id                 TEXT NOT NULL REFERENCES sessions (id),
    status                     TEXT NOT NULL,
    failed_reason              TEXT NOT NULL,
    format                     TEXT NOT NULL,
    width                      INTEGER NOT NULL,
    height                     INTEGER NOT NULL,
    layout                     TEXT NOT NULL, -- JSON
    audio_sources              TEXT NOT NULL, -- JSON
    size_bytes                 INTEGER NOT NULL,
    duration_us                INTEGER NOT NULL,
    webhook_event_url          TEXT NOT NULL,
    webhook_event_failover_url TEXT NOT NULL,
    webhook_timeout_secs       INTEGER,
    started_at                 INTEGER,
    ended_at                   INTEGER,
    completed_at               INTEGER,
    created_at                 INTEGER NOT NULL,
    updated_at                 INTEGER NOT NULL
) STRICT;
CREATE INDEX compositions_created ON compositions (account, created_at, id);
CREATE INDEX compositions_session ON compositions (session_id, created_at, id);
CREATE INDEX compositions_status ON compositions (account, status, created_at, id);
