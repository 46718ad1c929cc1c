-- People who sign in to the portal, where they are signed in, and the links by which they choose a password.

-- +goose Up
CREATE TABLE members (
    id            TEXT COLLATE "C" PRIMARY KEY,
    account       BIGINT NOT NULL REFERENCES accounts (number),
    email         TEXT COLLATE "C" NOT NULL,
    email_key     TEXT COLLATE "C" NOT NULL, -- in lower case
    name          TEXT COLLATE "C" NOT NULL,
    role          TEXT COLLATE "C" NOT NULL,
    password      TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    last_login_at BIGINT
);
CREATE UNIQUE INDEX members_email ON members (email_key);
CREATE INDEX members_account ON members (account, created_at, id);

CREATE TABLE portal_sessions (
    hash         BYTEA PRIMARY KEY,
    member_id    TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    address      TEXT COLLATE "C" NOT NULL,
    user_agent   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX portal_sessions_member ON portal_sessions (member_id);
CREATE INDEX portal_sessions_age ON portal_sessions (expires_at);

-- member_id is NULL in the link that makes the first owner.
CREATE TABLE portal_links (
    hash       BYTEA PRIMARY KEY,
    account    BIGINT NOT NULL REFERENCES accounts (number),
    member_id  TEXT COLLATE "C" REFERENCES members (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

ALTER TABLE audits ADD COLUMN member_id TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audits ADD COLUMN member_name TEXT COLLATE "C" NOT NULL DEFAULT '';
