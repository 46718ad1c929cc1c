package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// kick is one under way. Its members belong to the loop.
type kick struct {
	chosen   []*member
	families []string  // that they came with
	leaving  []*member // those of them who were in at the end
}

// Kick puts participants out and revokes the token families they came with, so that nobody comes in or refreshes with
// them; others who are in with the same family stay. It returns those it put out, in the order they came, when their
// media is closed. Errors: as Mute, and unavailable when the revocation cannot be written: nobody was put out then.
func (h *Host) Kick(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	s, err := h.running(room, session)
	if err != nil {
		return nil, err
	}
	k, err := ask(ctx, s, func() (*kick, error) { return s.barChosen(selection) })
	if err != nil {
		return nil, notRunning(err)
	}
	settled := context.WithoutCancel(ctx) // the bars must be kept or lifted, whatever becomes of the caller
	if err := s.revoke(settled, k.families); err != nil {
		h.bars.lift(k.families)
		_ = s.do(settled, func() error { k.lift(); return nil })
		return nil, err
	}
	h.bars.keep(k.families)
	// If the loop is gone by now, the session's end has put them out.
	out, _ := ask(settled, s, func() ([]video.ParticipantID, error) { return s.expel(k), nil })
	for _, m := range k.leaving {
		if err := await(ctx, m.closed); err != nil {
			return out, err
		}
	}
	return out, nil
}

// barChosen sees to it that none of those chosen comes back, or comes in at all, while the revocation is being written.
// It runs in the loop.
func (s *session) barChosen(selection video.Selection) (*kick, error) {
	chosen, err := s.chosen(selection)
	if err != nil {
		return nil, err
	}
	k := &kick{chosen: chosen}
	for _, m := range chosen {
		m.kicks++
		for _, family := range m.families {
			if family != "" && !slices.Contains(k.families, family) {
				k.families = append(k.families, family)
			}
		}
	}
	s.host.bars.raise(k.families)
	return k, nil
}

// lift runs in the loop.
func (k *kick) lift() {
	for _, m := range k.chosen {
		m.kicks--
	}
}

// revoke has the revocation of families written. It runs in the asker's goroutine.
func (s *session) revoke(ctx context.Context, families []string) error {
	if len(families) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.host.config.JournalTimeout)
	defer cancel()
	if err := s.host.config.Journal.RevokeFamilies(ctx, s.record.AccountID, families); err != nil {
		return video.Errorf(video.CodeUnavailable, "cannot record the kick at present: %w", err)
	}
	return nil
}

// expel puts out whom nobody put out before. Those who are still on the way in are turned away when they arrive. It runs
// in the loop.
func (s *session) expel(k *kick) (out []video.ParticipantID) {
	for _, m := range k.chosen {
		if m.expelled || !m.in && !m.turnedAway && !slices.Contains(s.seats, m) {
			continue
		}
		m.expelled = true // from here on it hears of nobody
		out = append(out, m.presence.ID)
		if m.in {
			k.leaving = append(k.leaving, m)
		}
	}
	for _, m := range k.leaving {
		s.remove(m, video.LeftKicked)
	}
	return out
}
