package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// moderation is live as rest asks for it: when an answer says that people are out, the record says so too.
type moderation struct {
	*live.Host
	db  *store.Store
	log *slog.Logger
}

// recordedWithin is how long an answer waits for the record. What was done is done: later it is only read later.
const recordedWithin = 2 * time.Second

func (m moderation) recorded(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recordedWithin)
	defer cancel()
	if err := m.db.Flush(ctx); err != nil {
		m.log.Warn("the record is behind what was answered", "error", err)
	}
}

// EndRoom puts everyone out of a room that was deleted. The caller is not told if that takes long: its room is gone.
func (m moderation) EndRoom(ctx context.Context, room video.RoomID) {
	if err := m.Host.EndRoom(ctx, room); err != nil {
		m.log.Warn("session of a deleted room is still ending", "room", room, "error", err)
	}
	m.recorded(ctx)
}

// EndSession puts everyone out of a running session.
func (m moderation) EndSession(
	ctx context.Context, room video.RoomID, session video.SessionID,
) ([]video.ParticipantID, error) {
	out, err := m.Host.EndSession(ctx, room, session)
	if err == nil {
		m.recorded(ctx)
	}
	return out, err
}

// Kick puts those chosen out for good.
func (m moderation) Kick(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	out, err := m.Host.Kick(ctx, room, session, selection)
	if err == nil {
		m.recorded(ctx)
	}
	return out, err
}

// lingerOf says no linger in live's word for it.
func lingerOf(config *Config) time.Duration {
	if config.Linger == 0 {
		return -1
	}
	return config.Linger
}
