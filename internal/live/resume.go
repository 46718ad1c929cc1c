package live

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A participant is in its session until it leaves, whatever becomes of its client's connection: how long to wait for the
// client is the entrance's business.

// InOrder runs f in the session loop, between two changes, unless the participant is out. It must not block.
func (p *Participant) InOrder(ctx context.Context, f func()) error {
	return p.do(ctx, func() error { f(); return nil })
}

// LoseConnection tells the others that the participant's client is not heard of at present. Whether it is so is asked in
// the session loop.
func (p *Participant) LoseConnection(ctx context.Context, isLost func() bool) error {
	return p.do(ctx, func() error {
		if isLost() {
			p.m.session.setConnectionLost(p.m, true)
		}
		return nil
	})
}

// Resume puts a fresh grant in place of the old one, as Renew does, and tells the others that the client is back. Then it
// runs in the session loop: what the listener hears next is what happened after it. If it takes a snapshot, because the
// client missed more than can be told again, the listener hears about its lines and pictures anew. Errors as of Renew.
func (p *Participant) Resume(ctx context.Context, grant video.Grant, then func(snapshot func() Snapshot)) error {
	return p.do(ctx, func() error {
		m, s := p.m, p.m.session
		if m.kicks == 0 { // or it is about to hear that it was kicked
			if err := m.renew(grant); err != nil {
				return err
			}
		}
		s.setConnectionLost(m, false)
		missed := false
		then(func() Snapshot {
			missed = true
			return s.snapshot()
		})
		if missed {
			m.retell()
		}
		return nil
	})
}

// setConnectionLost runs in the loop.
func (s *session) setConnectionLost(m *member, lost bool) {
	if m.presence.ConnectionLost == lost {
		return
	}
	m.presence.ConnectionLost = lost
	s.tell(ConnectionChanged{ID: m.presence.ID, Connected: !lost}, m)
	s.logger.Info("participant's connection changed", "participant", m.presence.ID, "lost", lost)
}

// retell tells the listener what it was told last of its lines, and of pictures. It runs in the loop.
func (l *link) retell() {
	if l.wanted != (LinesWanted{}) {
		l.listener.Notify(l.wanted)
	}
	if l.receiving != nil {
		l.listener.Notify(Receiving{l.receiving})
	}
	l.retellPictures()
}
