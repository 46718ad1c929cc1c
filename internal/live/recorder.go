package live

import (
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Recorder keeps what participants publish. Its methods are called by the loops of sessions and return at once.
type Recorder interface {
	// Record begins to keep a stream. What it cannot keep it says in its own record: a session never fails for it.
	Record(video.RecordedStream) StreamRecording
	// SessionEnded says that nothing more of a session is coming; what was stopped before may still be on its way to the disk.
	SessionEnded(video.SessionID)
}

// StreamRecording is a stream being recorded. Sink is where its packets of one kind go. Gate says that nothing comes at
// present because its owner disabled it or a moderator censored it, or that something may come again. Stop ends it, after
// the sinks have been taken off.
type StreamRecording interface {
	Sink(video.Kind) packet.Sink
	Gate(kind video.Kind, gate Gate)
	Stop()
}

// Gate is why media of a kind is let through or not.
type Gate string

const (
	GateOpen     Gate = "open"
	GateDisabled Gate = "disabled" // by its owner
	GateCensored Gate = "censored" // by a moderator
)
