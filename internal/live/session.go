package live

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// asksWaiting bounds the mailbox of a session. An asker who finds it full waits for room, or for the end of its
// context.
const asksWaiting = 128

// session is one span of people being in a room. The fields below the line belong to the loop.
type session struct {
	host   *Host
	logger *slog.Logger
	record video.Session

	asks       chan func()
	updates    updates
	stops      chan ending    // holds the first wish to end it; later ones change nothing
	opened     chan struct{}  // closed when the journal has answered; openErr is its answer
	done       chan struct{}  // closed when nothing of the session runs
	openErr    error          // read after opened
	background sync.WaitGroup // started by the loop alone
	// ────────
	members   []*member // in the order they came
	streams   []*stream // in the order of publishing
	viewers   int
	seats     []*member // admitted; their join is being recorded
	recordAll bool      // who comes is recorded
	kept      bool      // something of it was given to the recorder
	opening   bool      // the journal was asked to open it
	inhabited bool      // somebody was announced
	linger    *time.Timer
	ending    *ending

	toldRecording bool // what everyone knows of it
	refusals      refusals
	speakers      speakers
	fanOut        fanOut
	mixing        mixing
}

// ending is why a session ends, and what it means for those inside and those at the door.
type ending struct {
	ended   video.EndedReason
	left    video.LeftReason
	refusal error // errEnded: they may open the next
	seated  error // what those are told who were on the way in; nil: the refusal
}

// stream is what someone publishes.
type stream struct {
	video.Stream
	lines   video.Lines
	owner   *member
	carrier *link // the connection that it is published on: its owner's main one, or a publisher's
	viewers []*viewer

	recording StreamRecording     // nil: it is not recorded
	gates     map[video.Kind]Gate // as the recording was told them
	mixed     MixSource           // nil: it is not in a mix
}

func newSession(h *Host, room video.Room) *session {
	now := h.now()
	record := video.Session{
		ID:        video.SessionID(h.config.NewID()),
		AccountID: room.AccountID, RoomID: room.ID, E2EE: room.E2EE,
		CreatedAt: now, UpdatedAt: now,
	}
	recorded := room.EnableRecording && !room.E2EE && h.config.Recorder != nil
	return &session{
		recordAll: recorded, toldRecording: recorded,
		host:    h,
		logger:  h.config.Logger.With("room", record.RoomID, "session", record.ID),
		record:  record,
		asks:    make(chan func(), asksWaiting),
		updates: updates{wake: make(chan struct{}, 1)},
		stops:   make(chan ending, 1),
		opened:  make(chan struct{}),
		done:    make(chan struct{}),
	}
}

// run is the session's goroutine.
func (s *session) run() {
	if !s.guard(s.loop) {
		s.ending = &ending{ended: video.EndedServerCrashed, left: video.LeftServerCrashed}
		s.evict()
	}
	s.guard(s.endMix)
	s.background.Wait()
	if s.kept {
		s.host.config.Recorder.SessionEnded(s.record.ID)
	}
	if s.opening && s.openErr == nil {
		s.recordEnd()
	}
	s.host.forget(s)
	close(s.done)
}

func (s *session) loop() {
	defer s.stopListening()
	defer s.stopFanOut()
	for s.ending == nil || len(s.seats) > 0 {
		var linger <-chan time.Time
		if s.linger != nil {
			linger = s.linger.C
		}
		select {
		case do := <-s.asks:
			do()
		case <-s.speakers.ticks():
			s.listen()
		case <-s.updates.wake:
			s.updates.deliver()
		case end := <-s.stops:
			if s.ending == nil {
				s.ending = &end
				s.evict()
			}
		case <-linger:
			s.linger = nil
			s.ending = &ending{ended: video.EndedEmpty, refusal: errEnded}
		}
	}
}

// guard runs f and reports whether it ended without a panic. A panic ends this session; the stack is in the log.
func (s *session) guard(f func()) (sound bool) {
	defer func() {
		if v := recover(); v != nil {
			s.logger.Error("session crashed", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

// stop asks the loop to end the session. It never waits.
func (s *session) stop(end ending) {
	select {
	case s.stops <- end:
	default: // it ends already
	}
}

// evict puts everyone out. Nobody hears of the others: the end of all is in their own last notice. Each is done under
// a guard of its own, because this is also how a crashed session ends.
func (s *session) evict() {
	members := s.members
	s.members = nil
	for _, m := range members {
		s.guard(func() { s.remove(m, s.ending.left) })
	}
}

// settle decides what becomes of a session that somebody left or turned away from.
func (s *session) settle() {
	switch {
	case len(s.members) > 0 || len(s.seats) > 0 || s.ending != nil || s.linger != nil:
	case s.inhabited && s.host.config.Linger > 0:
		s.linger = time.NewTimer(s.host.config.Linger)
	default:
		s.ending = &ending{ended: video.EndedEmpty, refusal: errEnded}
	}
}

func (s *session) recordEnd() {
	now := s.host.now()
	s.record.EndedAt, s.record.UpdatedAt = &now, now
	s.record.EndedReason = s.ending.ended
	s.host.config.Journal.EndSession(s.record)
	s.logger.Info("session ended", "reason", s.ending.ended)
}

// tell notifies everyone but one; nil leaves nobody out. Those who are being put out hear of themselves alone.
func (s *session) tell(n Notice, except *member) {
	for _, m := range s.members {
		if m != except && !m.expelled {
			m.listener.Notify(n)
		}
	}
}

func (s *session) stream(id video.StreamID) *stream {
	i := slices.IndexFunc(s.streams, func(st *stream) bool { return st.ID == id })
	if i < 0 {
		return nil
	}
	return s.streams[i]
}

func (s *session) member(id video.ParticipantID) *member {
	i := slices.IndexFunc(s.members, func(m *member) bool { return m.presence.ID == id })
	if i < 0 {
		return nil
	}
	return s.members[i]
}

// withdraw ends a stream for everybody: its owner, its subscribers, its viewers. It tells the viewers only.
func (s *session) withdraw(st *stream, reason video.LeftReason) {
	s.streams = slices.DeleteFunc(s.streams, func(other *stream) bool { return other == st })
	st.carrier.transport.Unpublish(st.ID)
	s.host.config.Quality.Unpublished(st.ID)
	st.stopRecording()
	st.mixOut()
	s.tuneLeg(st.owner)
	st.owner.forgetDemand(st.ID)
	for _, m := range s.members {
		delete(m.subscriptions, st.ID)
		m.endPause(st.ID)
	}
	for _, v := range slices.Clone(st.viewers) {
		s.dismiss(v, reason)
	}
	s.listenTo()
	s.tellSpeakers()
}

func (s *session) snapshot() Snapshot {
	snapshot := Snapshot{
		SessionID:    s.record.ID,
		Participants: make([]Presence, 0, len(s.members)),
		Streams:      make([]video.Stream, 0, len(s.streams)),
		Recording:    s.recording(),
		Speakers:     s.speakers.told,
	}
	for _, m := range s.members {
		snapshot.Participants = append(snapshot.Participants, m.presence)
	}
	for _, st := range s.streams {
		snapshot.Streams = append(snapshot.Streams, st.Stream)
	}
	return snapshot
}

// ask has the loop call f and returns what it answers. Waiting for room in the mailbox ends with ctx; after that the
// answer comes soon and is waited for, so that no outcome is unknown. It returns errEnded when the loop is gone.
func ask[T any](ctx context.Context, s *session, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	var none T
	select {
	case s.asks <- func() {
		value, err := f()
		answers <- answer{value, err}
	}:
	case <-s.done:
		return none, errEnded
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-s.done:
	}
	select {
	case a := <-answers: // it was the last thing the loop did
		return a.value, a.err
	default:
		return none, errEnded
	}
}

// do is ask without an answer but the error.
func (s *session) do(ctx context.Context, f func() error) error {
	_, err := ask(ctx, s, func() (struct{}, error) { return struct{}{}, f() })
	return err
}
