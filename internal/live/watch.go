package live

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Watch subscribes to a stream of someone else over a further connection of the participant, which ends with the stream. It may be
// watched several times. The listener hears of the connection, and Removed when it ends. Errors: forbidden, stream_not_found,
// invalid_argument, media_failed, overloaded.
func (p *Participant) Watch(ctx context.Context, subscription video.Subscription, listener Listener) (*Viewer, error) {
	m, s := p.m, p.m.session
	subscription.Quality = video.QualityHigh
	v := &viewer{link: newLink(s, listener), id: m.presence.ID, watcher: m}
	transport, err := s.host.config.Media.NewTransport(TransportConfig{Session: s.record.ID, Participant: m.presence.ID, Updates: v.source})
	if err != nil {
		return nil, mediaFailed(ctx, "no media connection can be made", err)
	}
	v.transport = transport
	err = p.do(context.WithoutCancel(ctx), func() error {
		st := s.stream(subscription.StreamID)
		switch {
		case !m.grant.Grants.Subscribe:
			return forbidden("subscribing")
		case st == nil:
			return errNoStream
		case st.owner == m:
			return invalid("/stream_id", "the stream is the participant's own")
		case st.Key == video.PresentationKey:
			subscription.Priority = 1
		}
		if err := transport.Subscribe(subscription); err != nil {
			return mediaFailed(ctx, "the stream cannot be watched", err)
		}
		v.stream, v.subscription, v.in = st, subscription, true
		st.viewers = append(st.viewers, v)
		m.watching = append(m.watching, v)
		s.noteSubscription(video.HappenedSubscribed, m, subscription)
		return nil
	})
	if err != nil {
		transport.Close()
		return nil, err
	}
	return &Viewer{v}, nil
}

// Offer makes the server's offer of the two lines that the stream is sent on. The client's answer goes to Accept. Errors:
// invalid_state after the first, media_failed.
func (v *Viewer) Offer(ctx context.Context) (string, error) {
	offer, err := v.v.transport.Offer()
	if err != nil {
		return "", mediaFailed(ctx, "no offer can be made", err)
	}
	return offer, nil
}

// Accept takes the client's answer to Offer. Error: media_failed.
func (v *Viewer) Accept(ctx context.Context, answer string) error {
	if err := v.v.transport.Accept(ctx, answer); err != nil {
		return mediaFailed(ctx, "the answer cannot be used", err)
	}
	return nil
}

// Update says which kinds of the stream are sent from now on. Errors: invalid_state when the viewing is over, media_failed.
func (v *Viewer) Update(ctx context.Context, audio, picture bool) error {
	s := v.v.session
	return gone(s.do(ctx, func() error {
		if !v.v.in {
			return errLeft
		}
		wish := v.v.subscription
		wish.Audio, wish.Video = audio, picture
		if err := v.v.transport.Subscribe(wish); err != nil {
			return mediaFailed(ctx, "the subscription cannot be changed", err)
		}
		if changed := wish != v.v.subscription; changed && v.v.watcher != nil {
			s.noteSubscription(video.HappenedSubscriptionChanged, v.v.watcher, wish)
		}
		v.v.subscription = wish
		return nil
	}))
}

// Vacancy reports whether a grant would let one more in at this moment, without taking a seat: what join would be refused with
// otherwise. Errors: room_not_found, room_full, unauthorized, unavailable.
func (h *Host) Vacancy(ctx context.Context, grant video.Grant) error {
	defer h.visit(grant.RoomID)()
	room, err := h.Room(ctx, grant)
	if err != nil {
		return err
	}
	if h.bars.against(grant.Family) {
		return errBarred
	}
	s, err := h.session(room, false)
	if s == nil || err != nil {
		return err
	}
	err = s.do(ctx, func() error {
		if s.ending == nil && len(s.members)+len(s.seats) >= room.MaxParticipants {
			return errRoomFull
		}
		return nil
	})
	if err == errEnded { //nolint:errorlint // the next one is empty
		return nil
	}
	return err
}
