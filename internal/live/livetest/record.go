package livetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Rooms are rooms in memory.
type Rooms struct {
	OnRead func(video.RoomID) // runs at each read, after the row was read
	Error  error              // if set, every read fails with it

	mu    sync.Mutex
	rooms map[video.RoomID]video.Room
}

// Add adds a room of an account and returns it.
func (r *Rooms) Add(account video.AccountID, maxParticipants int) video.Room {
	room := video.Room{ID: video.RoomID(video.NewUUID()), AccountID: account, MaxParticipants: maxParticipants}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms == nil {
		r.rooms = make(map[video.RoomID]video.Room)
	}
	r.rooms[room.ID] = room
	return room
}

// Change changes a room.
func (r *Rooms) Change(id video.RoomID, change func(*video.Room)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.rooms[id]
	change(&room)
	r.rooms[id] = room
}

// Delete removes a room.
func (r *Rooms) Delete(id video.RoomID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rooms, id)
}

// Room implements live.Rooms.
func (r *Rooms) Room(_ context.Context, account video.AccountID, id video.RoomID, _ bool) (video.Room, error) {
	r.mu.Lock()
	room, ok := r.rooms[id]
	err := r.Error
	r.mu.Unlock()
	if r.OnRead != nil {
		r.OnRead(id)
	}
	switch {
	case err != nil:
		return video.Room{}, err
	case !ok || room.AccountID != account:
		return video.Room{}, video.Errorf(video.CodeNotFound, "no room with id %s", id)
	}
	return room, nil
}

// Journal is a journal in memory. It refuses participant ids it has seen.
type Journal struct {
	OnOpen   func(context.Context, video.Session) error
	OnJoin   func(context.Context, video.Participant) error
	OnRevoke func(context.Context, []string) error

	mu           sync.Mutex
	lines        []string
	sessions     []video.Session
	participants map[video.ParticipantID]*video.Participant
	happenings   []video.Happening
	revoked      []string
	faults       []error
}

// OpenSession implements live.Journal.
func (j *Journal) OpenSession(ctx context.Context, session video.Session) error {
	if j.OnOpen != nil {
		if err := j.OnOpen(ctx, session); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, other := range j.sessions {
		if other.RoomID == session.RoomID && other.Active() {
			j.faults = append(j.faults, fmt.Errorf("room %s has two sessions", session.RoomID))
		}
	}
	j.sessions = append(j.sessions, session)
	j.lines = append(j.lines, "open")
	return nil
}

// ParticipantIDUsed implements live.Journal.
func (j *Journal) ParticipantIDUsed(_ context.Context, _ video.AccountID, id video.ParticipantID) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.participants[id] != nil, nil
}

// Join implements live.Journal.
func (j *Journal) Join(ctx context.Context, participant video.Participant) error {
	if j.OnJoin != nil {
		if err := j.OnJoin(ctx, participant); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, used := j.participants[participant.ID]; used {
		return video.Errorf(video.CodeDuplicateParticipant, "participant %s exists", participant.ID)
	}
	if s := j.session(participant.SessionID); s == nil || !s.Active() {
		j.faults = append(j.faults, errors.New("join of a session that is not open"))
	}
	if j.participants == nil {
		j.participants = make(map[video.ParticipantID]*video.Participant)
	}
	j.participants[participant.ID] = &participant
	j.lines = append(j.lines, "join")
	return nil
}

// Leave implements live.Journal.
func (j *Journal) Leave(participant video.Participant) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.participants[participant.ID]
	switch {
	case at == nil || at.SessionID != participant.SessionID:
		j.faults = append(j.faults, errors.New("leave without join"))
	case at.LeftAt != nil:
		j.faults = append(j.faults, errors.New("left twice"))
	default:
		*at = participant
	}
	j.lines = append(j.lines, "leave "+string(participant.LeftReason))
}

// EndSession implements live.Journal.
func (j *Journal) EndSession(session video.Session) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.session(session.ID)
	switch {
	case at == nil:
		j.faults = append(j.faults, errors.New("end of an unknown session"))
	case !at.Active():
		j.faults = append(j.faults, errors.New("session ended twice"))
	default:
		*at = session
	}
	for _, p := range j.participants {
		if p.SessionID == session.ID && p.LeftAt == nil {
			j.faults = append(j.faults, errors.New("session ended before someone left"))
		}
	}
	j.lines = append(j.lines, "end "+string(session.EndedReason))
}

// Note implements live.Journal.
func (j *Journal) Note(happening video.Happening) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.session(happening.SessionID); s == nil || !s.Active() || s.AccountID != happening.AccountID || happening.At.IsZero() {
		j.faults = append(j.faults, fmt.Errorf("%s outside of a session", happening.Type))
	}
	p := j.participants[happening.ParticipantID]
	if happening.Type != video.HappenedJoinRefused && (p == nil || p.LeftAt != nil || p.SessionID != happening.SessionID) {
		j.faults = append(j.faults, fmt.Errorf("%s of one who is not in", happening.Type))
	}
	j.happenings = append(j.happenings, happening)
}

// RevokeFamilies implements live.Journal.
func (j *Journal) RevokeFamilies(ctx context.Context, _ video.AccountID, families []string) error {
	if j.OnRevoke != nil {
		if err := j.OnRevoke(ctx, families); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.revoked = append(j.revoked, families...)
	return nil
}

// Happenings returns what was noted, in order.
func (j *Journal) Happenings() []video.Happening {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.happenings)
}

// Revoked returns the families that were revoked, in order.
func (j *Journal) Revoked() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.revoked)
}

func (j *Journal) session(id video.SessionID) *video.Session {
	i := slices.IndexFunc(j.sessions, func(s video.Session) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &j.sessions[i]
}

// String returns what was written, in order: "open, join, leave left, end empty".
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, ", ")
}

// Err returns what was written against the rules of a record, or nil.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.faults...)
}

// Participant returns the record of a participant, or nil.
func (j *Journal) Participant(id video.ParticipantID) *video.Participant {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.participants[id]; p != nil {
		record := *p
		return &record
	}
	return nil
}

// Present returns who joined a session and did not leave it.
func (j *Journal) Present(session video.SessionID) (ids []video.ParticipantID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, p := range j.participants {
		if p.SessionID == session && p.LeftAt == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Sessions returns the records of all sessions, in the order of opening.
func (j *Journal) Sessions() []video.Session {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.sessions)
}
