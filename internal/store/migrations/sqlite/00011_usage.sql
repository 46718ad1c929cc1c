-- What was used, a row for each room and day in UTC that anything was used on. It outlives what it counts. day is the number of days
-- since 1970; the _us are microseconds; stored_bytes is by how much what is stored grew or shrank.

-- +goose Up
CREATE TABLE usage (
    account          INTEGER NOT NULL REFERENCES accounts (number),
    day              INTEGER NOT NULL,
    room_id          TEXT NOT NULL,
    participant_us   INTEGER NOT NULL DEFAULT 0,
    recorded_us      INTEGER NOT NULL DEFAULT 0,
    composed_us      INTEGER NOT NULL DEFAULT 0,
    sent_bytes       INTEGER NOT NULL DEFAULT 0,
    downloaded_bytes INTEGER NOT NULL DEFAULT 0,
    stored_bytes     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, day, room_id)
) STRICT;
CREATE INDEX usage_room ON usage (account, room_id, day);
CREATE INDEX usage_stored ON usage (account, room_id, day, stored_bytes) WHERE stored_bytes <> 0;

-- What the record knows of the time before. Media that was deleted is not in it, nor what was sent.
WITH RECURSIVE parts (account, room_id, day, began, ended) AS (
    SELECT p.account, s.room_id, p.joined_at / 86400000000, p.joined_at, p.left_at
    FROM participants AS p JOIN sessions AS s ON s.id = p.session_id WHERE p.left_at > p.joined_at
    UNION ALL
    SELECT account, room_id, day + 1, (day + 1) * 86400000000, ended FROM parts WHERE (day + 1) * 86400000000 < ended
)
INSERT INTO usage (account, room_id, day, participant_us)
SELECT account, room_id, day, sum(CASE WHEN ended < (day + 1) * 86400000000 THEN ended ELSE (day + 1) * 86400000000 END - began)
FROM parts WHERE true GROUP BY account, room_id, day;

WITH RECURSIVE parts (account, room_id, day, began, ended) AS (
    SELECT account, room_id, started_at / 86400000000, started_at, started_at + duration_us
    FROM recordings WHERE ended_at IS NOT NULL AND duration_us > 0
    UNION ALL
    SELECT account, room_id, day + 1, (day + 1) * 86400000000, ended FROM parts WHERE (day + 1) * 86400000000 < ended
)
INSERT INTO usage (account, room_id, day, recorded_us)
SELECT account, room_id, day, sum(CASE WHEN ended < (day + 1) * 86400000000 THEN ended ELSE (day + 1) * 86400000000 END - began)
FROM parts WHERE true GROUP BY account, room_id, day
ON CONFLICT (account, day, room_id) DO UPDATE SET recorded_us = usage.recorded_us + excluded.recorded_us;

INSERT INTO usage (account, room_id, day, stored_bytes)
SELECT account, room_id, completed_at / 86400000000, sum(size_bytes)
FROM recordings WHERE status = 'completed' AND completed_at IS NOT NULL GROUP BY account, room_id, completed_at / 86400000000
ON CONFLICT (account, day, room_id) DO UPDATE SET stored_bytes = usage.stored_bytes + excluded.stored_bytes;

INSERT INTO usage (account, room_id, day, composed_us, stored_bytes)
SELECT account, room_id, completed_at / 86400000000, sum(duration_us), sum(size_bytes)
FROM compositions WHERE status = 'completed' AND completed_at IS NOT NULL GROUP BY account, room_id, completed_at / 86400000000
ON CONFLICT (account, day, room_id) DO UPDATE SET composed_us = usage.composed_us + excluded.composed_us,
    stored_bytes = usage.stored_bytes + excluded.stored_bytes;
