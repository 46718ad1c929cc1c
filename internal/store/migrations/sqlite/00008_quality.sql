-- What was measured of media, a row for each participant and minute. data is of internal/quality.

-- +goose Up
CREATE TABLE quality (
    account        INTEGER NOT NULL REFERENCES accounts (number),
    participant_id TEXT NOT NULL,
    at             INTEGER NOT NULL,
    session_id     TEXT NOT NULL,
    data           BLOB NOT NULL,
    PRIMARY KEY (account, participant_id, at)
) STRICT;
CREATE INDEX quality_age ON quality (at);
