-- Why a composition failed, in a word; with failed_reason it says of one that is enqueued why it waits. What a recording's file has to be.

-- +goose Up
ALTER TABLE compositions ADD COLUMN failed_code TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE recordings ADD COLUMN sha256 TEXT COLLATE "C" NOT NULL DEFAULT '';
