package live

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Who is on the way into a session counts as in it for a moderator: a mute holds from their first stream on, and after a
// kick or an end they are turned away.

// Mute silences participants for everyone: the audio of what they publish, later too, is held back, and they cannot lift
// it. It returns those it changed, in the order they came. Errors: invalid_state when the session is not running;
// participant_not_found for each id of the selection that is not in it, all joined, and nothing is changed.
func (h *Host) Mute(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	return h.censor(ctx, room, session, selection, true)
}

// Unmute lifts Mute. What it returns is as there.
func (h *Host) Unmute(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	return h.censor(ctx, room, session, selection, false)
}

func (h *Host) censor(
	ctx context.Context, room video.RoomID, id video.SessionID, selection video.Selection, muted bool,
) ([]video.ParticipantID, error) {
	return h.moderate(ctx, room, id, selection, func(s *session, chosen []*member) (changed []video.ParticipantID) {
		for _, m := range chosen {
			if m.muted != muted {
				s.mute(m, muted)
				changed = append(changed, m.presence.ID)
			}
		}
		return changed
	})
}

// moderate has the loop of a running session act on those who are chosen. act returns whom it changed.
func (h *Host) moderate(
	ctx context.Context, room video.RoomID, id video.SessionID, selection video.Selection,
	act func(s *session, chosen []*member) (changed []video.ParticipantID),
) ([]video.ParticipantID, error) {
	s, err := h.running(room, id)
	if err != nil {
		return nil, err
	}
	changed, err := ask(ctx, s, func() ([]video.ParticipantID, error) {
		chosen, err := s.chosen(selection)
		if err != nil {
			return nil, err
		}
		return act(s, chosen), nil
	})
	return changed, notRunning(err)
}

// mute runs in the loop.
func (s *session) mute(m *member, muted bool) {
	m.muted = muted
	s.tuneLeg(m)
	if m.in {
		s.noteMuted(m)
	}
	for _, st := range s.streams {
		if st.owner == m && st.lines.AudioMID != "" {
			st.AudioCensored = muted
			st.setGates()
			s.noteCensored(st)
			s.tell(StreamUpdated{st.Stream}, nil)
		}
	}
	s.tellSpeakers()
	s.logger.Info("participant moderated", "participant", m.presence.ID, "muted", muted)
}

// EndSession puts everyone out of a running session and returns who was in it, when nobody is and nothing of it runs, or
// when ctx ends. The next who comes opens another session. Error: invalid_state when the session is not running.
func (h *Host) EndSession(ctx context.Context, room video.RoomID, session video.SessionID) ([]video.ParticipantID, error) {
	s, err := h.running(room, session)
	if err != nil {
		return nil, err
	}
	out, err := ask(ctx, s, func() (out []video.ParticipantID, err error) {
		if s.ending != nil {
			return nil, errNotRunning
		}
		for _, m := range slices.Concat(s.members, s.seats) {
			out = append(out, m.presence.ID)
		}
		s.ending = &ending{
			ended: video.EndedFromAPI, left: video.LeftSessionEnded, refusal: errEnded, seated: errEndedJustNow,
		}
		s.evict()
		return out, nil
	})
	if err != nil {
		return nil, notRunning(err)
	}
	return out, await(ctx, s.done)
}

// running returns the session if it is this room's at present.
func (h *Host) running(room video.RoomID, id video.SessionID) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.rooms[room]; at != nil && at.session != nil && at.session.record.ID == id {
		return at.session, nil
	}
	return nil, errNotRunning
}

// chosen finds whom a selection means, in the order they came. It runs in the loop.
func (s *session) chosen(selection video.Selection) ([]*member, error) {
	if s.ending != nil {
		return nil, errNotRunning
	}
	order := slices.Concat(s.members, s.seats)
	present := make(map[video.ParticipantID]bool, len(order))
	for _, m := range order {
		present[m.presence.ID] = true
	}
	chosen := make(map[video.ParticipantID]bool, len(order))
	var unknown []error
	if selection.All {
		for id := range present {
			chosen[id] = true
		}
	} else {
		for i, id := range selection.IDs {
			if chosen[id] = present[id]; !chosen[id] {
				unknown = append(unknown, video.Errorf(video.CodeParticipantNotFound, "participant %s is not in the session", id).
					WithField(fmt.Sprintf("/participants/%d", i)))
			}
		}
	}
	if len(unknown) > 0 {
		return nil, errors.Join(unknown...)
	}
	for _, id := range selection.Exclude {
		delete(chosen, id)
	}
	return slices.DeleteFunc(order, func(m *member) bool { return !chosen[m.presence.ID] }), nil
}

// notRunning says errNotRunning where the loop has ended meanwhile.
func notRunning(err error) error {
	if errors.Is(err, errEnded) {
		return errNotRunning
	}
	return err
}

var (
	errNotRunning   = video.Errorf(video.CodeState, "the session is not running")
	errEndedJustNow = video.Errorf(video.CodeUnavailable, "the session was ended just now; the next may be joined")
)
