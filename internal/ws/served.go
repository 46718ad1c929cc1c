package ws

import (
	"context"
	"sync"
)

// Served are the connections that a handler serves at present, each by a value of the handler's own. The zero value is ready, and its
// methods may be called from any goroutine.
type Served[C comparable] struct {
	requests sync.WaitGroup

	mu      sync.Mutex
	closing bool           // guarded by mu
	conns   map[C]struct{} // guarded by mu
}

// Enter begins a request, unless Close was called. Leave ends one that began.
func (s *Served[C]) Enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.requests.Add(1)
	return true
}

// Leave ends a request.
func (s *Served[C]) Leave() { s.requests.Done() }

// Add adds a connection, and reports false when Close was called meanwhile: it is to be shut.
func (s *Served[C]) Add(c C) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = make(map[C]struct{})
	}
	s.conns[c] = struct{}{}
	return !s.closing
}

// Remove takes a connection off.
func (s *Served[C]) Remove(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Len returns how many connections there are.
func (s *Served[C]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close lets nobody enter any more, shuts all connections, and returns when all requests have left, or when ctx ends. shut must not wait.
func (s *Served[C]) Close(ctx context.Context, shut func(C)) error {
	s.mu.Lock()
	s.closing = true
	for c := range s.conns {
		shut(c)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.requests.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
