package events

import "github.com/rotunda-rtc/rotunda/internal/video"

// endpoint is a URL to which deliveries go. The dispatcher owns it.
type endpoint struct {
	url      string
	queue    []video.Delivery // claimed, waiting for a place; as many as one claim takes for one URL
	running  int
	starting map[video.SessionID]int64 // the delivery of each session whose request is not on its way yet
	slow     bool                      // its last attempt ran out of time
}

// limit is how many attempts it may have under way.
func (e *endpoint) limit() int {
	if e.slow {
		return 1
	}
	return placesPerEndpoint
}

// busy reports whether it could not take up another delivery now.
func (e *endpoint) busy() bool { return len(e.queue) > 0 || e.running >= e.limit() }

// take removes the delivery from the queue that may start now. Those of one session start in order: one waits until the
// request before it is on its way. Those of others go past it.
func (e *endpoint) take() (video.Delivery, bool) {
	if e.running >= e.limit() {
		return video.Delivery{}, false
	}
	held := make(map[video.SessionID]bool)
	for i, d := range e.queue {
		if d.SessionID != "" && (e.starting[d.SessionID] != 0 || held[d.SessionID]) {
			held[d.SessionID] = true
			continue
		}
		e.queue = append(e.queue[:i:i], e.queue[i+1:]...)
		return d, true
	}
	return video.Delivery{}, false
}
