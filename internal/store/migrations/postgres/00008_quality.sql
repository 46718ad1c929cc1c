-- What was measured of media, a row for each participant and minute. data is of internal/quality.

-- +goose Up
CREATE TABLE quality (
    account        BIGINT NOT NULL REFERENCES accounts (number),
    participant_id TEXT COLLATE "C" NOT NULL,
    at             BIGINT NOT NULL,
    session_id     TEXT COLLATE "C" NOT NULL,
    data           BYTEA NOT NULL,
    PRIMARY KEY (account, participant_id, at)
);
CREATE INDEX quality_age ON quality (at);
