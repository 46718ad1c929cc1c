package live

import (
	"context"
	"errors"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// WatchRequest is who wants to watch what, without being a participant. The stream is named by its key and either the
// name of its publisher or the publisher's id.
type WatchRequest struct {
	Grant        video.Grant
	Name         string
	Participant  video.ParticipantID
	Key          string
	Audio, Video bool
	Listener     Listener // hears of its media connection, and Removed when the stream ends
}

// viewer is one who watches a stream.
type viewer struct {
	*link
	id           video.ParticipantID
	stream       *stream
	subscription video.Subscription
	watcher      *member // the participant it is for; nil: it is for nobody in the session
}

// Viewer is what an entrance holds of one who watches a stream without being a participant: nobody is told, no seat is
// taken. It ends with its stream.
type Viewer struct{ v *viewer }

// Watch subscribes a viewer to a live stream of the room. Viewers cannot decrypt, so rooms encrypted from end to end are forbidden. Errors: room_not_found, stream_not_found, forbidden,
// unauthorized, too_many, media_failed, unavailable.
func (h *Host) Watch(ctx context.Context, request WatchRequest) (*Viewer, error) {
	defer h.visit(request.Grant.RoomID)()
	room, err := h.Room(ctx, request.Grant)
	if err != nil {
		return nil, err
	}
	if !request.Grant.Grants.Subscribe {
		return nil, forbidden("subscribing")
	}
	if request.Grant.Watcher != "" {
		return nil, errHidden
	}
	if room.E2EE {
		return nil, errEncrypted
	}
	s, err := h.session(room, false)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errNoStream
	}
	v, err := s.watch(ctx, &request)
	if errors.Is(err, errEnded) {
		return nil, errNoStream
	}
	return v, err
}

// watch runs in the viewer's goroutine. The transport is made before the loop is asked, so that there is nothing to
// give back but the transport.
func (s *session) watch(ctx context.Context, request *WatchRequest) (*Viewer, error) {
	if err := s.do(ctx, func() error { _, err := s.watchable(request); return err }); err != nil {
		return nil, err
	}
	v := &viewer{link: newLink(s, request.Listener), id: video.ParticipantID(s.host.config.NewID())}
	transport, err := s.host.config.Media.NewTransport(TransportConfig{Session: s.record.ID, Participant: v.id, Updates: v.source})
	if err != nil {
		return nil, mediaFailed(ctx, "no media connection can be made", err)
	}
	v.transport = transport
	err = s.do(context.WithoutCancel(ctx), func() error {
		st, err := s.watchable(request)
		if err != nil {
			return err
		}
		subscription := video.Subscription{
			StreamID: st.ID, Audio: request.Audio, Video: request.Video, Quality: video.QualityHigh,
		}
		if err := transport.Subscribe(subscription); err != nil {
			return mediaFailed(ctx, "the stream cannot be watched", err)
		}
		v.stream, v.subscription, v.in = st, subscription, true
		st.viewers = append(st.viewers, v)
		s.viewers++
		s.logger.Debug("viewer came", "viewer", v.id, "stream", st.ID)
		return nil
	})
	if err != nil {
		transport.Close()
		return nil, err
	}
	return &Viewer{v}, nil
}

// watchable finds the stream a viewer wants, if there is room for one more. It runs in the loop.
func (s *session) watchable(request *WatchRequest) (*stream, error) {
	i := slices.IndexFunc(s.streams, func(st *stream) bool {
		if st.Key != request.Key {
			return false
		}
		if request.Name != "" {
			return st.owner.name == request.Name
		}
		return st.ParticipantID == request.Participant
	})
	switch {
	case s.ending != nil && s.ending.refusal != nil:
		return nil, s.ending.refusal
	case s.host.bars.against(request.Grant.Family):
		return nil, errBarred
	case i < 0:
		return nil, errNoStream
	case s.viewers >= s.host.config.MaxViewers:
		return nil, video.Errorf(video.CodeTooMany, "the room has %d viewers already", s.viewers)
	}
	return s.streams[i], nil
}

// dismiss puts a viewer out. It runs in the loop.
func (s *session) dismiss(v *viewer, reason video.LeftReason) {
	if !v.in {
		return
	}
	v.stream.viewers = slices.DeleteFunc(v.stream.viewers, func(other *viewer) bool { return other == v })
	if m := v.watcher; m != nil {
		m.watching = slices.DeleteFunc(m.watching, func(other *viewer) bool { return other == v })
	} else {
		s.viewers--
	}
	v.leave(reason)
	s.logger.Debug("viewer gone", "viewer", v.id, "stream", v.stream.ID, "reason", reason)
}

// ID returns the viewer's id, made by the server.
func (v *Viewer) ID() video.ParticipantID { return v.v.id }

// Negotiate answers an SDP offer of the viewer's client. Error: media_failed.
func (v *Viewer) Negotiate(ctx context.Context, offer string) (string, error) {
	return v.v.negotiate(ctx, offer, nil)
}

// Close ends the viewing and returns when its transport is closed. Closing again does nothing but wait for that.
func (v *Viewer) Close() {
	s := v.v.session
	_ = s.do(context.Background(), func() error {
		if v.v.in && v.v.watcher != nil {
			s.noteSubscription(video.HappenedUnsubscribed, v.v.watcher, v.v.subscription)
		}
		s.dismiss(v.v, video.LeftByChoice)
		return nil
	})
	select {
	case <-v.v.closed:
	case <-s.done:
	}
}
