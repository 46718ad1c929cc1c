package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Rooms reads the durable rooms. Room is called at each join, in the goroutine of whoever joins. It returns an error of
// code not_found or room_not_found when the account has no such room.
type Rooms interface {
	Room(ctx context.Context, account video.AccountID, room video.RoomID, includeSessions bool) (video.Room, error)
}

// Journal keeps the record of sessions. OpenSession and Join are awaited; when they return an error, nothing was
// recorded and nothing will be. Join refuses an id that was ever used in the account with duplicate_participant;
// ParticipantIDUsed tells before, so that a join bound to be refused opens no session. Leave
// and EndSession never block; the journal keeps their order and retries them until they are written. Note never blocks
// either; what it was given is written after all that came before it. RevokeFamilies is awaited: when it returns nil, no
// token of these families is good any more.
type Journal interface {
	ParticipantIDUsed(ctx context.Context, account video.AccountID, id video.ParticipantID) (bool, error)
	OpenSession(ctx context.Context, session video.Session) error
	Join(ctx context.Context, participant video.Participant) error
	Leave(participant video.Participant)
	EndSession(session video.Session)
	Note(happening video.Happening)
	RevokeFamilies(ctx context.Context, account video.AccountID, families []string) error
}

// Config is what a Host needs. Rooms, Journal and Media are required.
type Config struct {
	Rooms    Rooms
	Journal  Journal
	Media    Media
	Recorder Recorder      // nil: nothing is recorded, whatever rooms say
	Mixer    Mixer         // nil: who waits for a mix hears nothing
	Quality  Quality       // nil: no figures of media quality are kept
	Linger   time.Duration // how long a session outlives its last participant; 0 means 5 s, negative not at all

	Identities IdentityPolicy // default IdentityAllowed

	MaxViewers     int           // WHEP viewers in one room at a time; 0 means 500
	JournalTimeout time.Duration // how long a join waits to be recorded before it is refused as unavailable; 0 means 5 s

	Logger *slog.Logger
	Traces *observe.Tracer  // nil: none
	Now    func() time.Time // the time of records; nil means time.Now
	NewID  func() string    // makes session and stream ids; nil means video.NewUUID
}

func (c Config) withDefaults() Config {
	if c.Linger == 0 {
		c.Linger = 5 * time.Second
	}
	if c.Identities == "" {
		c.Identities = IdentityAllowed
	}
	if c.Quality == nil {
		c.Quality = noQuality{}
	}
	if c.MaxViewers == 0 {
		c.MaxViewers = 500
	}
	if c.JournalTimeout == 0 {
		c.JournalTimeout = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = video.NewUUID
	}
	return c
}

// Host has the sessions of this process. All methods may be called concurrently.
type Host struct {
	config Config
	bars   *bars
	loops  sync.WaitGroup

	mu      sync.Mutex
	rooms   map[video.RoomID]*place
	closing bool
}

// place is what the host knows of a room: its session, if it has one, and those on their way in. It is kept only while
// there is either, so that a room deleted under someone who read its row before is still known to be gone.
type place struct {
	session  *session
	visitors int
	deleted  bool
}

// NewHost returns a host without sessions.
func NewHost(config Config) *Host {
	config = config.withDefaults()
	return &Host{config: config, bars: newBars(config.Now), rooms: make(map[video.RoomID]*place)}
}

// Room returns the room a grant is for. Its errors are room_not_found and unavailable.
func (h *Host) Room(ctx context.Context, grant video.Grant) (video.Room, error) {
	room, err := h.config.Rooms.Room(ctx, grant.AccountID, grant.RoomID, false)
	if err == nil {
		return room, nil
	}
	switch video.CodeOf(err) {
	case video.CodeNotFound, video.CodeRoomNotFound:
		return video.Room{}, errRoomNotFound
	default:
		return video.Room{}, unavailable(ctx, "read the room", err)
	}
}

// EndRoom ends the session of a deleted room and returns when nobody is in it and nothing of it runs, or when ctx ends.
// The room's row must be gone before: whoever joins from then on is refused, and so is who was joining meanwhile.
func (h *Host) EndRoom(ctx context.Context, room video.RoomID) error {
	h.mu.Lock()
	at := h.rooms[room]
	if at == nil {
		h.mu.Unlock()
		return nil
	}
	at.deleted = true
	s := at.session
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	s.stop(ending{ended: video.EndedRoomDeleted, left: video.LeftRoomDeleted, refusal: errRoomNotFound})
	return await(ctx, s.done)
}

// Close tells everyone that the server shuts down, ends all sessions and returns when nothing runs any more, or when
// ctx ends. Joins are refused as unavailable from the moment it is called. Calling it again waits again.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	var open []*session
	for _, at := range h.rooms {
		if at.session != nil {
			open = append(open, at.session)
		}
	}
	h.mu.Unlock()
	for _, s := range open {
		s.stop(ending{ended: video.EndedServerShutdown, left: video.LeftServerShutdown, refusal: errShuttingDown})
	}
	for _, s := range open {
		if err := await(ctx, s.done); err != nil {
			return err
		}
	}
	h.loops.Wait() // each has closed done already, or never will have anyone
	return nil
}

// visit announces that someone is on the way into a room, before its row is read. The returned function says that they
// are through or have turned away.
func (h *Host) visit(room video.RoomID) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.rooms[room]
	if at == nil {
		at = &place{}
		h.rooms[room] = at
	}
	at.visitors++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		at.visitors--
		h.tidy(room, at)
	}
}

// session returns the running session of a room someone visits, opening one if open is set. Without, and with nobody
// there, it returns nil.
func (h *Host) session(room video.Room, open bool) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.rooms[room.ID]
	switch {
	case h.closing:
		return nil, errShuttingDown
	case at.deleted:
		return nil, errRoomNotFound
	case at.session == nil && open:
		at.session = newSession(h, room)
		h.loops.Go(at.session.run)
	}
	return at.session, nil
}

// forget is the last thing a session does.
func (h *Host) forget(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.rooms[s.record.RoomID]
	at.session = nil
	h.tidy(s.record.RoomID, at)
}

func (h *Host) tidy(room video.RoomID, at *place) {
	if at.visitors == 0 && at.session == nil && h.rooms[room] == at {
		delete(h.rooms, room)
	}
}

// now is the time for records: UTC, in the microseconds a database keeps.
func (h *Host) now() time.Time { return h.config.Now().UTC().Truncate(time.Microsecond) }

func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var (
	errRoomNotFound = video.Errorf(video.CodeRoomNotFound, "there is no such room")
	errShuttingDown = video.Errorf(video.CodeUnavailable, "the server is shutting down")
	errEncrypted    = video.Errorf(video.CodeForbidden, "the room is encrypted from end to end, which this client cannot do")
	errRoomFull     = video.Errorf(video.CodeRoomFull, "the room is full")
	errLeft         = video.Errorf(video.CodeState, "no longer in the session")
	errNoStream     = video.Errorf(video.CodeStreamNotFound, "there is no such stream in the session").WithField("/stream_id")

	// errEnded says that a session's loop no longer runs. It never leaves the package.
	errEnded = errors.New("live: session ended")
)

// unavailable is what a caller is told when a floor below failed for reasons of its own. Errors that were made for
// callers pass, and so does the end of the caller's own context.
func unavailable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*video.Error](err); ok {
		return e
	}
	return video.Errorf(video.CodeUnavailable, "cannot %s at present: %w", doing, err)
}
