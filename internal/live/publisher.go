package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Clients of the Janus dialect have a connection for each stream. All of a participant's connections end with it.

// Publisher is a further media connection of a participant, which carries one stream. Its listener hears of the connection, and
// Removed when it ends.
type Publisher struct {
	p *Participant
	l *link
}

// NewPublisher makes a further connection. Errors: forbidden, too_many, media_failed, overloaded.
func (p *Participant) NewPublisher(ctx context.Context, listener Listener) (*Publisher, error) {
	m, s := p.m, p.m.session
	l := newLink(s, listener)
	l.participant = m
	transport, err := s.host.config.Media.NewTransport(TransportConfig{Session: s.record.ID, Participant: m.presence.ID, Updates: l.source})
	if err != nil {
		return nil, mediaFailed(ctx, "no media connection can be made", err)
	}
	l.transport = transport
	err = p.do(ctx, func() error {
		switch {
		case !m.grant.Grants.Publish:
			return forbidden("publishing")
		case len(m.publishers) >= video.MaxStreamsPerParticipant:
			return video.Errorf(video.CodeTooMany, "a participant publishes at most %d streams", video.MaxStreamsPerParticipant)
		}
		m.publishers = append(m.publishers, l)
		l.in = true
		return nil
	})
	if err != nil {
		transport.Close()
		return nil, err
	}
	return &Publisher{p, l}, nil
}

// Negotiate answers an offer of the client. Error: media_failed.
func (b *Publisher) Negotiate(ctx context.Context, offer string) (string, error) {
	return b.l.negotiate(ctx, offer, nil)
}

// Publish publishes the stream on lines that were negotiated. It is Participant.Publish in all else.
func (b *Publisher) Publish(ctx context.Context, request PublishRequest, then func(Published)) (Published, error) {
	return b.p.publish(ctx, b.l, request, then)
}

// Close withdraws the stream, if it was published, tells the others and ends the connection. It returns when that is closed.
func (b *Publisher) Close() {
	m, s := b.p.m, b.p.m.session
	_ = s.do(context.Background(), func() error {
		if !b.l.in {
			return nil
		}
		for _, st := range slices.Clone(s.streams) {
			if st.carrier == b.l {
				s.unpublish(st, nil)
			}
		}
		m.publishers = slices.DeleteFunc(m.publishers, func(l *link) bool { return l == b.l })
		b.l.leave(StreamEnded)
		return nil
	})
	select {
	case <-b.l.closed:
	case <-s.done:
	}
}

// closeOthers ends the further connections of a member that leaves. Its streams are withdrawn already. It runs in the loop.
func (m *member) closeOthers() {
	for _, l := range m.publishers {
		l.leave(StreamEnded)
	}
	for _, v := range slices.Clone(m.watching) {
		m.session.dismiss(v, video.LeftByChoice)
	}
	m.publishers = nil
}
