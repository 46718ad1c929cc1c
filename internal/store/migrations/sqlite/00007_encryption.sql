-- Whether media is encrypted from end to end: what a room says, and what it said when a session began.

-- +goose Up
ALTER TABLE rooms ADD COLUMN e2ee INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN e2ee INTEGER NOT NULL DEFAULT 0;
