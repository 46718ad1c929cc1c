-- Media that is kept elsewhere: how long it is, and what is to be deleted there.

-- +goose Up
ALTER TABLE accounts ADD COLUMN recording_retention_days INTEGER; -- NULL: as the server says; 0: for ever
ALTER TABLE rooms ADD COLUMN recording_retention_days INTEGER; -- NULL: as the account says; 0: for ever
CREATE INDEX rooms_retention ON rooms (account, recording_retention_days) WHERE recording_retention_days > 0;

-- A row is written in the transaction that deletes a recording or composition, and goes when its media is gone.
CREATE TABLE media_deletions (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES accounts (number),
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    object_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    reason     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX media_deletions_due ON media_deletions (next_at, seq);
