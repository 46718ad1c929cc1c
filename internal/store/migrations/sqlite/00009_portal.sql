-- People who sign in to the portal, where they are signed in, and the links by which they choose a password.

-- +goose Up
CREATE TABLE members (
    id            TEXT PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (number),
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL, -- in lower case
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;
CREATE UNIQUE INDEX members_email ON members (email_key);
CREATE INDEX members_account ON members (account, created_at, id);

CREATE TABLE portal_sessions (
    hash         BLOB PRIMARY KEY,
    member_id    TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    address      TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX portal_sessions_member ON portal_sessions (member_id);
CREATE INDEX portal_sessions_age ON portal_sessions (expires_at);

-- member_id is NULL in the link that makes the first owner.
CREATE TABLE portal_links (
    hash       BLOB PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts (number),
    member_id  TEXT REFERENCES members (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;

ALTER TABLE audits ADD COLUMN member_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audits ADD COLUMN member_name TEXT NOT NULL DEFAULT '';
