package mixer

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// linger is how many frames somebody who fell silent keeps a mix of its own, which is then the same as that of the others. So
// the pauses of speech change nothing.
const linger = 100

// participant is somebody who is heard, or listens, or both. It belongs to the mix loop.
type participant struct {
	id        video.ParticipantID
	sources   []*Source
	listeners []*Listener

	sound  [frameSize]float32 // of this frame, of all its sources
	sounds bool               // there is any
	last   int64              // the last frame in which there was
}

// play makes its sound of a frame. While it has a leg that is on, that alone counts: its streams are in it.
func (p *participant) play(instance *opus.Instance, frame, epoch int64, scratch []float32) (broke *source, err error) {
	p.sounds = false
	leg := slices.ContainsFunc(p.sources, func(s *Source) bool { return s.leg && s.source.on })
	for _, h := range p.sources {
		s := h.source
		s.receive(epoch)
		heard, failed := s.play(instance, frame*frameSize, s.on && h.leg == leg, scratch)
		if failed != nil {
			broke, err = s, failed
		}
		if !heard {
			continue
		}
		if !p.sounds {
			clear(p.sound[:])
		}
		p.sounds, p.last = true, frame
		for i, v := range scratch {
			p.sound[i] += v
		}
	}
	return broke, err
}

// isHeard reports whether its listeners need a mix of their own: the one for all has its sound, or had it just now.
func (p *participant) isHeard(frame int64) bool { return frame-p.last <= linger }
