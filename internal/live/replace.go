package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// ReplaceRequest is another media connection of a participant's client: its first offer, and which of its lines carry the
// streams that are published.
type ReplaceRequest struct {
	Offer string
	Lines map[video.StreamID]video.Lines
}

func (r *ReplaceRequest) check() error {
	used := make(map[string]bool)
	for _, lines := range r.Lines {
		publish := PublishRequest{Offer: r.Offer}
		for mid, line := range map[string]**Line{lines.AudioMID: &publish.Audio, lines.VideoMID: &publish.Video} {
			if mid == "" {
				continue
			}
			if used[mid] {
				return invalid("/streams", "two streams, or two kinds, use the line %q", mid)
			}
			used[mid], *line = true, &Line{MID: mid}
		}
		if err := publish.checkOffer(); err != nil {
			return err
		}
	}
	return nil
}

// ReplaceMedia puts another media connection in the place of the participant's, which is closed. Streams that the request names go on under
// their ids, others are withdrawn; subscriptions go on, and the listener hears about their lines anew. A recording of a stream
// ends and another begins. On any error the connection before stays. Errors: invalid_argument, invalid_state, media_failed.
func (p *Participant) ReplaceMedia(ctx context.Context, request ReplaceRequest, then func(answer string)) error {
	if err := request.check(); err != nil {
		return err
	}
	m, s := p.m, p.m.session
	if err := p.do(ctx, m.beginNegotiation); err != nil {
		return err
	}
	updates := &reporter{link: m.link}
	transport, answer, failure := s.answerAnew(ctx, TransportConfig{Session: s.record.ID, Participant: m.presence.ID, Updates: updates}, request.Offer)
	err := s.do(context.WithoutCancel(ctx), func() error {
		defer m.endNegotiation()
		switch {
		case failure != nil:
			return failure
		case !m.in:
			return errLeft
		}
		s.replace(m, transport, updates, request.Lines)
		then(answer)
		return nil
	})
	if err != nil && transport != nil {
		transport.Close()
	}
	return gone(err)
}

// answerAnew makes a transport and has it answer its first offer. It runs in the asker's goroutine.
func (s *session) answerAnew(ctx context.Context, config TransportConfig, offer string) (Transport, string, error) {
	transport, err := s.host.config.Media.NewTransport(config)
	if err != nil {
		return nil, "", mediaFailed(ctx, "no media connection can be made", err)
	}
	answer, err := transport.Negotiate(ctx, offer)
	if err != nil {
		transport.Close()
		return nil, "", mediaFailed(ctx, "the offer cannot be used", err)
	}
	return transport, answer, nil
}

// replace runs in the loop.
func (s *session) replace(m *member, transport Transport, updates *reporter, lines map[video.StreamID]video.Lines) {
	before := m.transport
	m.transport = transport
	m.follow(updates)
	s.background.Go(before.Close)
	for _, st := range s.ownedBy(m) {
		before.Unpublish(st.ID)
		m.forgetDemand(st.ID)
		st.stopRecording()
		named, ok := lines[st.ID]
		if ok && named != (video.Lines{}) && transport.Publish(st.ID, named) == nil {
			st.lines = named
			s.carryOn(st)
			continue
		}
		s.withdraw(st, StreamEnded)
		s.noteUnpublished(st)
		s.tell(StreamUnpublished{st.ID}, nil)
	}
	for id, subscription := range m.subscriptions {
		s.subscribeAgain(m.transport, subscription)
		if slices.Contains(m.pictures.paused, id) {
			m.tellPaused(pausedStream{stream: id})
		}
	}
	s.logger.Info("media connection replaced", "participant", m.presence.ID)
}

// carryOn is what follows the publishing of a stream that is known already. It runs in the loop.
func (s *session) carryOn(st *stream) {
	st.VideoCodec = st.carrier.transport.VideoCodec(st.ID)
	if st.owner.recorded {
		s.keep(st)
	}
	st.setGates()
	s.mixIn(st)
	for _, other := range s.members {
		if subscription, subscribed := other.subscriptions[st.ID]; subscribed {
			other.beginAnew(st.ID)
			s.subscribeAgain(other.transport, subscription)
		}
	}
	for _, v := range st.viewers {
		s.subscribeAgain(v.transport, v.subscription)
	}
}

func (s *session) subscribeAgain(transport Transport, subscription video.Subscription) {
	if err := transport.Subscribe(subscription); err != nil {
		s.logger.Warn("a stream cannot be subscribed again", "stream", subscription.StreamID, "error", err)
	}
}

func (s *session) ownedBy(m *member) (own []*stream) {
	for _, st := range s.streams {
		if st.owner == m && st.carrier == m.link {
			own = append(own, st)
		}
	}
	return own
}
