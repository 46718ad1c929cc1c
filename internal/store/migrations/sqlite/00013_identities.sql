-- Who members are at the OpenID provider they signed in by. Both are empty without one.

-- +goose Up
ALTER TABLE members ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX members_identity ON members (issuer, subject) WHERE subject <> '';
