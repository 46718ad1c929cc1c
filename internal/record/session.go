package record

import (
	"slices"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// lookEvery is how often the queues are emptied.
const lookEvery = 100 * time.Millisecond

// session is the goroutine that keeps the tracks of one session.
type session struct {
	recorder *Recorder
	tracks   []*track // the goroutine's alone
	wake     chan struct{}

	mu    sync.Mutex
	posts []func() // guarded by mu
	ended bool     // guarded by mu
}

// post has a function run in the session's goroutine, behind the packets that were taken before.
func (s *session) post(f func()) { s.leave(f, false) }

// end has the goroutine end all tracks and then itself.
func (s *session) end() {
	s.leave(func() {
		for _, t := range s.tracks {
			t.guarded(t.stop)
		}
	}, true)
}

// leave posts a function, which may be the last one: whoever takes it must know that at once, for nobody wakes him again.
func (s *session) leave(f func(), last bool) {
	s.mu.Lock()
	s.posts = append(s.posts, f)
	s.ended = s.ended || last
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) run() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		var tick <-chan time.Time
		if len(s.tracks) > 0 {
			tick = ticker.C
		}
		select {
		case <-s.wake:
		case <-tick:
		}
		s.mu.Lock()
		posts := s.posts
		s.posts = nil
		ended := s.ended
		s.mu.Unlock()
		for _, t := range s.tracks {
			t.guarded(t.look)
		}
		for _, f := range posts {
			f()
		}
		s.tracks = slices.DeleteFunc(s.tracks, func(t *track) bool { return t.over })
		if ended && len(s.tracks) == 0 {
			return
		}
	}
}

// Stream is a stream being recorded.
type Stream struct {
	session *session
	audio   *track
	video   *track
}

func (s *Stream) track(kind video.Kind) *track {
	if kind == video.Audio {
		return s.audio
	}
	return s.video
}

// Sink is where the packets of one kind go.
func (s *Stream) Sink(kind video.Kind) packet.Sink { return s.track(kind) }

// Gate says why nothing of a kind comes at present, or, with an empty reason, that something may come again.
func (s *Stream) Gate(kind video.Kind, closed GapReason) {
	t := s.track(kind)
	s.session.post(func() { t.gate(closed) })
}

// Stop ends the recording of the stream, after the sinks have been taken off.
func (s *Stream) Stop() {
	s.session.post(func() {
		s.audio.guarded(s.audio.stop)
		s.video.guarded(s.video.stop)
	})
}
