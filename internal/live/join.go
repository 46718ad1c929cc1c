package live

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// JoinRequest is who wants to join, and how.
type JoinRequest struct {
	Grant            video.Grant
	ID               video.ParticipantID // a UUID version 4, new for each stay
	Context          string              // at most video.MaxContextBytes
	ReceivesMessages bool
	Client           video.Client // what is known of the program that joins

	// Name, if not empty, must not be in use by another participant of the session: WHIP publishers have names.
	Name string

	// Plain is for clients that cannot encrypt from end to end: they are refused where everybody does.
	Plain bool

	// TwoWayAudio says that an audio line of the main connection which goes both ways carries a mix down, and up what is no stream. With
	// SumOfStreams that is the sum of its streams' sound, and nobody hears it while none of them has sound that is switched on.
	TwoWayAudio, SumOfStreams bool

	Listener Listener

	// Joined, if not nil, runs in the session loop when the join takes effect: after it come the notices of what
	// happened later, and none before. It must not block.
	Joined func(Snapshot)
}

func (r *JoinRequest) check() error {
	if !isUUIDv4(string(r.ID)) {
		return video.Errorf(video.CodeInvalid, "the participant id must be a UUID of version 4 in lower case").WithField("/participant_id")
	}
	if len(r.Context) > video.MaxContextBytes {
		return video.Errorf(video.CodeTooLarge, "the context is longer than %d bytes", video.MaxContextBytes).WithField("/context")
	}
	return nil
}

func isUUIDv4(s string) bool {
	return video.IsUUID(s) && s[14] == '4' && (s[19] == '8' || s[19] == '9' || s[19] == 'a' || s[19] == 'b')
}

// Join puts a participant into the room of its grant, opening a session if none is active, and returns when the join
// is recorded and announced. A refused join leaves no trace but a line in the history of the session, if there is one. Errors:
// room_not_found, room_full, duplicate_participant, duplicate (the name), forbidden (Plain), invalid_argument, too_large,
// media_failed, unavailable, and for who comes to watch invalid_state when no session is active.
//
// The participant stays until Leave is called or its listener hears Removed.
func (h *Host) Join(ctx context.Context, request JoinRequest) (*Participant, Snapshot, error) {
	ctx, span := h.config.Traces.Start(ctx, "join", slog.String("room.id", string(request.Grant.RoomID)), slog.String("participant.id", string(request.ID)))
	participant, snapshot, err := h.join(ctx, request)
	span.End(err)
	return participant, snapshot, err
}

func (h *Host) join(ctx context.Context, request JoinRequest) (*Participant, Snapshot, error) {
	if err := request.check(); err != nil {
		return nil, Snapshot{}, err
	}
	request.showWatcher()
	defer h.visit(request.Grant.RoomID)()
	room, err := h.Room(ctx, request.Grant)
	if err != nil {
		return nil, Snapshot{}, err
	}
	if request.Plain && room.E2EE {
		return nil, Snapshot{}, errEncrypted
	}
	if err := h.unused(ctx, request); err != nil {
		return nil, Snapshot{}, err
	}
	for {
		s, err := h.session(room, request.Grant.Watcher == "")
		switch {
		case err != nil:
			return nil, Snapshot{}, err
		case s == nil:
			return nil, Snapshot{}, errNothingToWatch
		}
		p, snapshot, err := s.join(ctx, room, &request)
		if !errors.Is(err, errEnded) {
			return p, snapshot, err
		}
		// It ended between being found and being asked; the next one takes its place.
		if err := await(ctx, s.done); err != nil {
			return nil, Snapshot{}, err
		}
	}
}

// unused refuses a participant id of an earlier stay.
func (h *Host) unused(ctx context.Context, request JoinRequest) error {
	used, err := h.config.Journal.ParticipantIDUsed(ctx, request.Grant.AccountID, request.ID)
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return video.Errorf(video.CodeUnavailable, "cannot look up the participant id at present: %w", err)
	case used:
		return video.Errorf(video.CodeDuplicateParticipant, "this participant id was used before")
	}
	return nil
}

// join runs in the joiner's goroutine.
func (s *session) join(ctx context.Context, room video.Room, request *JoinRequest) (*Participant, Snapshot, error) {
	m, err := ask(ctx, s, func() (*member, error) {
		m, err := s.admit(room, request)
		s.noteRefused(request.ID, err)
		return m, err
	})
	if err != nil {
		return nil, Snapshot{}, err
	}
	// From here on the seat is taken. It must be announced or given back, whatever becomes of the caller.
	settled := context.WithoutCancel(ctx)
	if err := s.enroll(settled, m); err != nil {
		_ = s.do(settled, func() error { s.noteRefused(m.presence.ID, err); s.giveBack(m); return nil })
		return nil, Snapshot{}, err
	}
	snapshot, err := ask(settled, s, func() (Snapshot, error) { return s.announce(m, request) })
	if errors.Is(err, errEnded) { // the loop crashed under us
		s.unenroll(m, video.LeftServerCrashed)
		m.transport.Close()
		err = video.Errorf(video.CodeInternal, "the session crashed")
	}
	if err != nil {
		return nil, Snapshot{}, err
	}
	return &Participant{m}, snapshot, nil
}

// admit takes a seat. It runs in the loop.
func (s *session) admit(room video.Room, request *JoinRequest) (*member, error) {
	switch {
	case s.ending != nil:
		return nil, s.ending.refusal
	case s.host.bars.against(request.Grant.Family):
		return nil, errBarred
	case s.taken(func(m *member) bool { return m.presence.ID == request.ID }):
		return nil, video.Errorf(video.CodeDuplicateParticipant, "this participant id is in use")
	case request.Name != "" && s.taken(func(m *member) bool { return m.name == request.Name }):
		return nil, video.Errorf(video.CodeDuplicate, "the name %q is in use", request.Name)
	}
	replaced, err := s.admitIdentity(request)
	if err != nil {
		return nil, err
	}
	if len(s.members)+len(s.seats)-replaced >= room.MaxParticipants {
		return nil, errRoomFull
	}
	if !s.opening {
		s.opening = true
		s.background.Go(s.open)
	}
	if s.linger != nil {
		s.linger.Stop()
		s.linger = nil
	}
	now := s.host.now()
	m := &member{
		link:     newLink(s, request.Listener),
		grant:    request.Grant,
		families: []string{request.Grant.Family},
		name:     request.Name,
		presence: Presence{
			ID: request.ID, Context: request.Context,
			ReceivesMessages: request.ReceivesMessages, JoinedAt: now, Watcher: request.Grant.Watcher != "",
		},
		record: video.Participant{
			ID: request.ID, AccountID: s.record.AccountID, SessionID: s.record.ID, Context: request.Context,
			JoinedAt: now, UpdatedAt: now,
		},
		reserved:      make(map[string]reservation),
		subscriptions: make(map[video.StreamID]video.Subscription),
	}
	m.participant, m.twoWay, m.sumsUp = m, request.TwoWayAudio, request.SumOfStreams
	m.recorded = s.recordAll
	s.seats = append(s.seats, m)
	return m, nil
}

// taken reports whether anyone inside or on the way in is such.
func (s *session) taken(such func(*member) bool) bool {
	return slices.ContainsFunc(s.members, such) || slices.ContainsFunc(s.seats, such)
}

// unseat ends the time between admission and announcement.
func (s *session) unseat(m *member) {
	s.seats = slices.DeleteFunc(s.seats, func(other *member) bool { return other == m })
}

// open has the journal open the session. It runs in a goroutine of its own, so that no single joiner's haste decides.
func (s *session) open() {
	defer close(s.opened)
	ctx, cancel := context.WithTimeout(context.Background(), s.host.config.JournalTimeout)
	defer cancel()
	if err := s.host.config.Journal.OpenSession(ctx, s.record); err != nil {
		s.openErr = err // each joiner is told, and logs it
		return
	}
	s.logger.Info("session started")
}

// enroll makes the transport and the durable record of a seat. It runs in the joiner's goroutine.
func (s *session) enroll(ctx context.Context, m *member) error {
	<-s.opened
	if s.openErr != nil {
		return s.journalRefusal(s.openErr)
	}
	transport, err := s.host.config.Media.NewTransport(TransportConfig{
		Session: s.record.ID, Participant: m.presence.ID, Updates: m.source, TwoWayAudio: m.twoWay,
	})
	if err != nil {
		return mediaFailed(ctx, "no media connection can be made", err)
	}
	m.transport = transport
	if m.twoWay && s.host.config.Mixer != nil {
		if err := s.host.config.Mixer.Prepare(); err != nil {
			s.mixFailed(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.host.config.JournalTimeout)
	defer cancel()
	if err := s.host.config.Journal.Join(ctx, m.record); err != nil {
		transport.Close()
		return s.journalRefusal(err)
	}
	return nil
}

// journalRefusal is what a joiner is told when the journal refused.
func (s *session) journalRefusal(err error) error {
	switch video.CodeOf(err) {
	case video.CodeDuplicate, video.CodeDuplicateParticipant:
		return video.Errorf(video.CodeDuplicateParticipant, "this participant id was used before: %w", err)
	case video.CodeNotFound, video.CodeRoomNotFound:
		return errRoomNotFound
	default:
		s.logger.Warn("join not recorded", "error", err)
		return video.Errorf(video.CodeUnavailable, "cannot record the join at present: %w", err)
	}
}

// unenroll records that a participant is gone.
func (s *session) unenroll(m *member, reason video.LeftReason) {
	now := s.host.now()
	m.record.LeftAt, m.record.UpdatedAt, m.record.LeftReason = &now, now, reason
	s.host.config.Journal.Leave(m.record)
}

// giveBack frees a seat nobody saw. It runs in the loop.
func (s *session) giveBack(m *member) {
	s.unseat(m)
	s.settle()
}

// announce turns a seat into a member. If the session began to end meanwhile, or its families were barred, the recorded
// join is followed by its leave. It runs in the loop.
func (s *session) announce(m *member, request *JoinRequest) (Snapshot, error) {
	if reason, err := s.refusal(m); err != nil {
		s.unseat(m)
		s.unenroll(m, reason)
		s.background.Go(m.transport.Close)
		s.settle()
		return Snapshot{}, err
	}
	s.replaceDoubles(request) // while the seat keeps the session from being empty
	s.unseat(m)
	s.members = append(s.members, m)
	s.inhabited, m.in = true, true
	s.host.config.Quality.Joined(m.record, request.Client)
	snapshot := s.snapshot()
	if request.Joined != nil {
		request.Joined(snapshot)
	}
	s.enterMix(m)
	s.tell(ParticipantJoined{m.presence}, m)
	s.tellRecording(m)
	if m.muted {
		s.noteMuted(m)
	}
	m.flush()
	s.logger.Info("participant joined", "participant", m.presence.ID)
	return snapshot, nil
}

// refusal says why a seat does not become a member, and what its record says then. It runs in the loop.
func (s *session) refusal(m *member) (video.LeftReason, error) {
	switch {
	case s.ending != nil && s.ending.seated != nil:
		return s.ending.left, s.ending.seated
	case s.ending != nil:
		return s.ending.left, s.ending.refusal
	case m.kicks > 0 || slices.ContainsFunc(m.families, s.host.bars.against):
		m.turnedAway = true
		return video.LeftKicked, errBarred
	default:
		return "", nil
	}
}

// remove puts a member out of the session, if it is still in. It runs in the loop.
func (s *session) remove(m *member, reason video.LeftReason) {
	if !m.in {
		return
	}
	s.members = slices.DeleteFunc(s.members, func(other *member) bool { return other == m })
	for _, st := range slices.Clone(s.streams) {
		if st.owner == m {
			s.withdraw(st, reason)
		}
	}
	s.leaveMix(m)
	s.tellSpeakers()
	s.tell(ParticipantLeft{ID: m.presence.ID, Reason: reason}, nil)
	s.tellRecording(nil)
	m.closeOthers()
	m.leave(reason)
	s.host.config.Quality.Left(m.presence.ID)
	s.unenroll(m, reason)
	s.logger.Info("participant left", "participant", m.presence.ID, "reason", reason)
	s.settle()
}
