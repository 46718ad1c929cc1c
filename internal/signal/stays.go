package signal

import (
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// stays are those that can be resumed, and why others ended, for as long as a grace: who was put out while away hears it.
type stays struct {
	grace time.Duration
	counters

	mu    sync.Mutex
	byKey map[stayKey]*stay
	past  map[stayKey]pastStay
	order []stayKey // of past, in the order they ended
}

// pastStay is what is remembered of one that ended.
type pastStay struct {
	id   video.ParticipantID
	left video.LeftReason
	at   time.Time
}

func newStays(grace time.Duration) *stays {
	return &stays{grace: grace, byKey: make(map[stayKey]*stay), past: make(map[stayKey]pastStay)}
}

// add makes a stay one that can be resumed.
func (s *stays) add(one *stay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[one.key] = one
}

// end notes that a stay is over.
func (s *stays) end(one *stay, reason video.LeftReason) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	delete(s.byKey, one.key)
	s.past[one.key] = pastStay{one.id, reason, now}
	s.order = append(s.order, one.key)
}

// find returns the stay of a secret, if it is this participant's. Its errors say that there is none, or why it is over.
func (s *stays) find(key stayKey, id video.ParticipantID) (*stay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(time.Now())
	if past, known := s.past[key]; known && past.id == id {
		return nil, &removedError{past.left}
	}
	one := s.byKey[key]
	if one == nil || one.id != id {
		return nil, errNotResumable
	}
	return one, nil
}

// forget is called with s.mu held.
func (s *stays) forget(now time.Time) {
	n := 0
	for n < len(s.order) && now.Sub(s.past[s.order[n]].at) >= s.grace {
		delete(s.past, s.order[n])
		n++
	}
	s.order = append(s.order[:0], s.order[n:]...)
}
