-- Times are microseconds since 1970 in UTC. The contexts of participants are opaque bytes.

-- +goose Up
-- Tables that grow name an account by its number, which keeps their indexes small.
CREATE TABLE accounts (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_default ON accounts (is_default) WHERE is_default;

-- How many rows each unfiltered list has, kept in the transaction that adds or removes a row.
CREATE TABLE account_totals (
    account      INTEGER PRIMARY KEY REFERENCES accounts (number),
    rooms        INTEGER NOT NULL DEFAULT 0,
    sessions     INTEGER NOT NULL DEFAULT 0,
    participants INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    public     BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX signing_keys_account ON signing_keys (account_id, created_at, id);

-- A deleted room stays, for the history that names it.
CREATE TABLE rooms (
    id                         TEXT PRIMARY KEY,
    account                    INTEGER NOT NULL REFERENCES accounts (number),
    unique_name                TEXT,
    max_participants           INTEGER NOT NULL,
    enable_recording           INTEGER NOT NULL,
    webhook_event_url          TEXT NOT NULL,
    webhook_event_failover_url TEXT NOT NULL,
    webhook_timeout_secs       INTEGER,
    active_session_id          TEXT,
    created_at                 INTEGER NOT NULL,
    updated_at                 INTEGER NOT NULL,
    deleted_at                 INTEGER
) STRICT;
CREATE UNIQUE INDEX rooms_name ON rooms (account, unique_name) WHERE deleted_at IS NULL;
CREATE INDEX rooms_created ON rooms (account, created_at, id, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX rooms_updated ON rooms (account, updated_at) WHERE deleted_at IS NULL;

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    account      INTEGER NOT NULL REFERENCES accounts (number),
    room_id      TEXT NOT NULL REFERENCES rooms (id),
    ended_reason TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
CREATE INDEX sessions_created ON sessions (account, created_at, id, updated_at, ended_at);
CREATE INDEX sessions_updated ON sessions (account, updated_at);
CREATE INDEX sessions_ended ON sessions (account, ended_at);
CREATE INDEX sessions_room ON sessions (room_id, created_at, id);
CREATE INDEX sessions_open ON sessions (account, created_at, id) WHERE ended_at IS NULL;

-- context_key is a hash of the context, because a context may be longer than an index entry can be.
CREATE TABLE participants (
    account     INTEGER NOT NULL REFERENCES accounts (number),
    id          TEXT NOT NULL,
    session_id  TEXT NOT NULL REFERENCES sessions (id),
    context     BLOB NOT NULL,
    context_key BLOB NOT NULL,
    left_reason TEXT NOT NULL,
    joined_at   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    left_at     INTEGER,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX participants_joined ON participants (account, joined_at, id, updated_at, left_at);
CREATE INDEX participants_counted ON participants (account, joined_at);
CREATE INDEX participants_updated ON participants (account, updated_at);
CREATE INDEX participants_left ON participants (account, left_at);
CREATE INDEX participants_context ON participants (account, context_key, joined_at, id);
CREATE INDEX participants_session ON participants (session_id, joined_at, id);

-- The last time at which a running process wrote that it was alive.
CREATE TABLE heartbeat (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    alive_at INTEGER NOT NULL
) STRICT;
