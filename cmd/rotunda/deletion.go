package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// deletion is live as rest asks for it: a deleted room is told of in the log and not to the caller, whose room is gone.
type deletion struct {
	*live.Host
	log *slog.Logger
}

// EndRoom puts everyone out of a room that was deleted.
func (d deletion) EndRoom(ctx context.Context, room video.RoomID) {
	if err := d.Host.EndRoom(ctx, room); err != nil {
		d.log.Warn("session of a deleted room is still ending", "room", room, "error", err)
	}
}

// lingerOf says no linger in live's word for it.
func lingerOf(config *Config) time.Duration {
	if config.Linger == 0 {
		return -1
	}
	return config.Linger
}
