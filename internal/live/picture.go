package live

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// pictures is what the listener was told of the video its client receives and sends. It belongs to the loop.
type pictures struct {
	paused  []video.StreamID // of what is subscribed
	demands []LayersWanted   // the last of each stream of its own
}

// tellPaused runs in the loop.
func (l *link) tellPaused(p pausedStream) {
	l.pictures.paused = without(l.pictures.paused, p.stream)
	if p.paused {
		l.pictures.paused = append(l.pictures.paused, p.stream)
	}
	l.listener.Notify(VideoPaused{p.stream, p.paused})
}

// tellDemand runs in the loop.
func (l *link) tellDemand(newer LayersWanted) {
	l.forgetDemand(newer.StreamID)
	l.pictures.demands = append(l.pictures.demands, newer)
	l.listener.Notify(newer)
}

func (l *link) forgetDemand(stream video.StreamID) {
	l.pictures.demands = slices.DeleteFunc(l.pictures.demands, func(d LayersWanted) bool { return d.StreamID == stream })
}

// beginAnew says that the subscription of a stream begins, or began, another time: unpaused. Nothing that was reported of the former
// one is told any more. It runs in the loop.
func (l *link) beginAnew(stream video.StreamID) {
	if l.endPause(stream) {
		l.listener.Notify(VideoPaused{ID: stream})
	}
}

// endPause forgets what was reported of a subscription that is over, and reports whether the listener takes it for paused. It runs in
// the loop.
func (l *link) endPause(stream video.StreamID) (paused bool) {
	u := &l.session.updates
	u.mu.Lock()
	l.pending.paused = slices.DeleteFunc(l.pending.paused, func(p pausedStream) bool { return p.stream == stream })
	u.mu.Unlock()
	paused = slices.Contains(l.pictures.paused, stream)
	l.pictures.paused = without(l.pictures.paused, stream)
	return paused
}

// retellPictures tells what holds to a client that may have missed some of it. It runs in the loop.
func (l *link) retellPictures() {
	for id := range l.participant.subscriptions {
		l.listener.Notify(VideoPaused{id, slices.Contains(l.pictures.paused, id)})
	}
	for _, demand := range l.pictures.demands {
		l.listener.Notify(demand)
	}
}

func without(streams []video.StreamID, stream video.StreamID) []video.StreamID {
	return slices.DeleteFunc(streams, func(other video.StreamID) bool { return other == stream })
}
