package record

import "github.com/rotunda-rtc/rotunda/internal/packet"

const (
	stepLimit = 200e6 // ns; an error beyond it is made good at once
	slewPart  = 100   // of the time that passed an error may be worked off in: 10 ms a second
)

// timeline gives each frame the moment on the server's clock at which it was sampled. It goes by the sender's timestamps
// from frame to frame, which are even, and follows what the tap knows of the moment, which comes in steps.
type timeline struct {
	started   bool
	timestamp uint32 // of the last frame
	at        int64  // what it was given
	error     int64  // by how much that is later than what the tap said
	waiting   bool   // for time to come to where it stands: it was too late by far
}

// place returns the moment of a frame. joined is false if its timestamps have nothing to do with those of the frame before.
// Moments never go backwards.
func (t *timeline) place(f *packet.Frame, joined bool) int64 {
	at := f.Sampled + t.error
	var passed int64
	switch {
	case !t.started:
	case joined && f.ClockRate > 0:
		passed = int64(int32(f.Timestamp-t.timestamp)) * 1e9 / int64(f.ClockRate)
		at = t.at + passed
	default:
		passed = max(at-t.at, 0)
	}
	if off := at - f.Sampled; t.waiting || off > stepLimit || off < -stepLimit {
		at = f.Sampled
	} else {
		most := max(passed, 0) / slewPart
		at -= min(max(off, -most), most)
	}
	t.waiting = t.started && at < t.at
	if t.waiting {
		at = t.at
	}
	t.started, t.timestamp, t.at = true, f.Timestamp, at
	t.error = min(max(at-f.Sampled, -stepLimit), stepLimit)
	return at
}
