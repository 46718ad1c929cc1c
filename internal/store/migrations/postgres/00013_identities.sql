-- Who members are at the OpenID provider they signed in by (both are empty without one), and which sessions it vouched for.

-- +goose Up
ALTER TABLE members ADD COLUMN issuer TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN subject TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE UNIQUE INDEX members_identity ON members (issuer, subject) WHERE subject <> '';
ALTER TABLE portal_sessions ADD COLUMN vouched BOOLEAN NOT NULL DEFAULT FALSE;
