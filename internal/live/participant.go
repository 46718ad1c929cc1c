package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// member is a participant as the session knows it. But for the link and what never changes it belongs to the loop.
type member struct {
	*link
	presence      Presence
	record        video.Participant
	grant         video.Grant
	families      []string // of all tokens it showed
	name          string
	outgoing      allowance              // of messages and reliable data
	twoWay        bool                   // of its main connection's audio
	sumsUp        bool                   // that audio is the sum of its streams'
	leg           *mixedLeg              // that, in a mix; nil: it is in none
	muted         bool                   // by a moderator
	recorded      bool                   // as far as there is something to record
	kicks         int                    // under way
	turnedAway    bool                   // kicked while it had a seat
	expelled      bool                   // put out by a kick; hears of nobody any more
	reserved      map[string]reservation // by key, of streams whose offer is being answered
	publishers    []*link                // further connections, each for one stream
	watching      []*viewer              // further connections, each with one stream of someone else
	subscriptions map[video.StreamID]video.Subscription
}

// reservation is what a stream will need whose offer is being answered.
type reservation struct {
	on    *link
	lines video.Lines
}

// Participant is what an entrance holds of someone in a session. Its methods may be called concurrently; each is one
// change of the session, or none if it returns an error. After the participant is out they fail with invalid_state.
//
// Where a method takes a function named then, that function, unless nil, runs in the session loop when the change takes
// effect: the notices of what happened before precede it and those of what happened later follow it. It must not block.
type Participant struct{ m *member }

// ID returns the participant's id.
func (p *Participant) ID() video.ParticipantID { return p.m.presence.ID }

// SessionID returns the id of the session it is in.
func (p *Participant) SessionID() video.SessionID { return p.m.session.record.ID }

// Negotiate answers an SDP offer of the participant's client: new lines, or an ICE restart. One offer at a time: a
// second one meanwhile fails with invalid_state. Other errors: media_failed.
func (p *Participant) Negotiate(ctx context.Context, offer string, then func(answer string)) (string, error) {
	return p.m.negotiate(ctx, offer, then)
}

// Leave takes the participant out of the session and returns when its transport is closed. Leaving again does nothing
// but wait for that.
func (p *Participant) Leave(reason video.LeftReason) {
	s := p.m.session
	_ = s.do(context.Background(), func() error { s.remove(p.m, reason); return nil })
	select {
	case <-p.m.closed:
	case <-s.done:
	}
}

// Renew puts a fresh grant of the same room in the place of the old one. What it no longer allows stays as it is; new
// requests are refused. Errors: unauthorized, when it is for another room or was revoked; identity_in_use.
func (p *Participant) Renew(ctx context.Context, grant video.Grant) error {
	return p.do(ctx, func() error { return p.m.renew(grant) })
}

// renew runs in the loop.
func (m *member) renew(grant video.Grant) error {
	if grant.RoomID != m.session.record.RoomID || grant.AccountID != m.session.record.AccountID {
		return video.Errorf(video.CodeUnauthorized, "the token is for another room")
	}
	if (grant.Watcher != "") != m.presence.Watcher {
		return video.Errorf(video.CodeUnauthorized, "who watches goes on by a token to watch, and nobody else does")
	}
	if m.kicks > 0 || m.session.host.bars.against(grant.Family) {
		return errBarred
	}
	if err := m.session.mayBecome(m, grant); err != nil {
		return err
	}
	m.grant = grant
	if !slices.Contains(m.families, grant.Family) {
		m.families = append(m.families, grant.Family)
	}
	m.session.tuneLeg(m)
	return nil
}

// Tell gives the participant's own listener a notice, at its place among those of the session.
func (p *Participant) Tell(ctx context.Context, n Notice) error {
	return p.do(ctx, func() error { p.m.listener.Notify(n); return nil })
}

// do has the loop call f, unless the participant is out.
func (p *Participant) do(ctx context.Context, f func() error) error {
	return gone(p.m.session.do(ctx, func() error {
		if !p.m.in {
			return errLeft
		}
		return f()
	}))
}

func forbidden(what string) error {
	return video.Errorf(video.CodeForbidden, "the token does not grant %s", what)
}
