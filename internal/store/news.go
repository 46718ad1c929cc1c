package store

import (
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// news wakes those who wait for rows of others. Each waiter has a channel that holds one token: several pieces of news
// before it looks are one, and nobody who brings news ever waits.
type news struct {
	deliveries   chan struct{}
	recordings   chan struct{}
	deletions    chan struct{}
	compositions chan struct{}

	mu        sync.Mutex
	followers map[video.SessionID]map[chan struct{}]struct{}
}

func newNews() *news {
	return &news{
		deliveries:   make(chan struct{}, 1),
		recordings:   make(chan struct{}, 1),
		deletions:    make(chan struct{}, 1),
		compositions: make(chan struct{}, 1),
		followers:    make(map[video.SessionID]map[chan struct{}]struct{}),
	}
}

func (n *news) deliver() { wake(n.deliveries) }

func (n *news) removeMedia() { wake(n.deletions) }

func (n *news) compose() { wake(n.compositions) }

func (n *news) happened(session video.SessionID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for follower := range n.followers[session] {
		wake(follower)
	}
}

func wake(waiter chan struct{}) {
	select {
	case waiter <- struct{}{}:
	default:
	}
}

// Follow returns a channel that holds a token whenever happenings of the session were committed since it was last
// emptied, and a function that ends this, to be called once or more.
func (s *Store) Follow(session video.SessionID) (news <-chan struct{}, stop func()) {
	n := s.journal.news
	follower := make(chan struct{}, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.followers[session] == nil {
		n.followers[session] = make(map[chan struct{}]struct{})
	}
	n.followers[session][follower] = struct{}{}
	return follower, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.followers[session], follower)
		if len(n.followers[session]) == 0 {
			delete(n.followers, session)
		}
	}
}

// DeliveriesCommitted returns a channel that holds a token whenever a commit made deliveries due since it was last emptied.
// It is for one reader.
func (s *Store) DeliveriesCommitted() <-chan struct{} { return s.journal.news.deliveries }

// RecordingsEnded returns a channel that holds a token whenever a commit gave recordings to the archive since it was last
// emptied. It is for one reader.
func (s *Store) RecordingsEnded() <-chan struct{} { return s.journal.news.recordings }

// CompositionsCommitted returns a channel that holds a token whenever compositions were added or deleted, or a recording was
// completed or failed that one may wait for, since it was last emptied. It is for one reader.
func (s *Store) CompositionsCommitted() <-chan struct{} { return s.journal.news.compositions }
