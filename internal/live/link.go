package live

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// link is the media side of a member or viewer: its transport, and the way of the transport's updates to the loop. The
// fields below the line belong to the loop. The transport changes only in the loop, while negotiating is set (replace.go).
type link struct {
	session     *session
	participant *member // whose it is; nil for a viewer's
	transport   Transport
	listener    Listener
	closed      chan struct{} // closed when the transport is

	source  *reporter // guarded by session.updates.mu; whose reports count
	pending report    // guarded by session.updates.mu
	queued  bool      // guarded by session.updates.mu
	// ────────
	in          bool // announced and not gone yet
	negotiating bool
	lossy       lossyAllowance
	wanted      LinesWanted
	receiving   []video.ReceiveLine
	pictures    pictures
}

// report is what a transport reported and nobody was told yet. Newer reports take the place of older ones of their
// kind.
type report struct {
	wanted    *LinesWanted
	receiving *[]video.ReceiveLine
	media     Notice // MediaConnected or MediaFailed
	layers    []sentLayer
	paused    []pausedStream
	demands   []LayersWanted // the last of each stream
}

// sentLayer is the layer of a stream that is being sent at present.
type sentLayer struct {
	stream video.StreamID
	rid    string
}

// pausedStream says whether the path carries the video of a stream at present.
type pausedStream struct {
	stream video.StreamID
	paused bool
}

// updates collects the reports of a session's transports, and the lossy data that came with them. It holds each link once at most, so
// that it is bounded by their number, and whoever reports never waits.
type updates struct {
	wake chan struct{} // has room for one

	mu        sync.Mutex
	links     []*link
	datagrams []datagram // bounded by datagramsWaiting
}

func newLink(s *session, listener Listener) *link {
	l := &link{session: s, listener: listener, closed: make(chan struct{})}
	l.source = &reporter{link: l}
	return l
}

// reporter takes the updates of one transport of a link. What comes before the link follows it waits.
type reporter struct {
	link  *link
	early report // guarded by session.updates.mu
}

// follow has the reports of this transport count from now on, and no others. It runs in the loop.
func (l *link) follow(r *reporter) {
	u := &l.session.updates
	u.mu.Lock()
	l.source, l.pending = r, r.early
	u.mu.Unlock()
	l.wanted, l.receiving = LinesWanted{}, nil
	r.report(func(*report) {}) // what came early is to be delivered
}

func (r *reporter) report(change func(*report)) {
	l := r.link
	u := &l.session.updates
	u.mu.Lock()
	if l.source != r {
		change(&r.early)
		u.mu.Unlock()
		return
	}
	change(&l.pending)
	if !l.queued {
		l.queued = true
		u.links = append(u.links, l)
	}
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// LinesWanted implements TransportUpdates.
func (r *reporter) LinesWanted(audio, video int) {
	r.report(func(r *report) { r.wanted = &LinesWanted{audio, video} })
}

// Receiving implements TransportUpdates.
func (r *reporter) Receiving(lines []video.ReceiveLine) {
	lines = slices.Clone(lines)
	r.report(func(r *report) { r.receiving = &lines })
}

// Connected implements TransportUpdates.
func (r *reporter) Connected() { r.report(func(r *report) { r.media = MediaConnected{} }) }

// Failed implements TransportUpdates.
func (r *reporter) Failed(err error) { r.report(func(r *report) { r.media = MediaFailed{err} }) }

// Layer implements TransportUpdates.
func (r *reporter) Layer(stream video.StreamID, rid string) {
	r.report(func(r *report) { r.layer(sentLayer{stream, rid}) })
}

// Paused implements TransportUpdates.
func (r *reporter) Paused(stream video.StreamID, paused bool) {
	r.report(func(r *report) { r.pause(pausedStream{stream, paused}) })
}

// LayersWanted implements TransportUpdates.
func (r *reporter) LayersWanted(stream video.StreamID, layers int) {
	r.report(func(r *report) { r.demand(LayersWanted{stream, layers}) })
}

// deliver passes on what was reported. It runs in the loop.
func (u *updates) deliver() {
	u.mu.Lock()
	links, datagrams := u.links, u.datagrams
	u.links, u.datagrams = nil, nil
	for _, l := range links {
		l.queued = false
	}
	u.mu.Unlock()
	for _, l := range links {
		l.flush()
	}
	for i := range datagrams {
		datagrams[i].from.session.forward(&datagrams[i])
	}
}

// pause keeps the last for each stream.
func (r *report) pause(p pausedStream) {
	r.paused = append(slices.DeleteFunc(r.paused, func(other pausedStream) bool { return other.stream == p.stream }), p)
}

// demand keeps the last for each stream.
func (r *report) demand(newer LayersWanted) {
	r.demands = append(slices.DeleteFunc(r.demands, func(other LayersWanted) bool { return other.StreamID == newer.StreamID }), newer)
}

// layer keeps the last for each stream.
func (r *report) layer(sent sentLayer) {
	r.layers = append(slices.DeleteFunc(r.layers, func(other sentLayer) bool { return other.stream == sent.stream }), sent)
}

// flush tells the listener what changed. While an offer is being answered it waits: the client could make nothing of
// lines it has no answer for yet.
func (l *link) flush() {
	if !l.in || l.negotiating {
		return
	}
	u := &l.session.updates
	u.mu.Lock()
	news := l.pending
	l.pending = report{}
	u.mu.Unlock()
	if l.participant != nil && l.participant.link == l {
		l.session.noteMedia(l.participant, news)
	}
	if news.media != nil {
		l.listener.Notify(news.media)
	}
	if w := news.wanted; w != nil && (w.Audio > l.wanted.Audio || w.Video > l.wanted.Video) {
		l.wanted = LinesWanted{max(w.Audio, l.wanted.Audio), max(w.Video, l.wanted.Video)}
		l.listener.Notify(l.wanted)
	}
	if r := news.receiving; r != nil && !slices.Equal(*r, l.receiving) {
		l.receiving = *r
		l.listener.Notify(Receiving{l.receiving})
	}
	for _, p := range news.paused {
		if l.participant == nil {
			continue // a viewer knows of one stream only, and is told nothing of it
		}
		if _, subscribed := l.participant.subscriptions[p.stream]; subscribed {
			l.tellPaused(p)
		}
	}
	for _, demand := range news.demands {
		if st := l.session.stream(demand.StreamID); st != nil && st.owner == l.participant {
			l.tellDemand(demand)
		}
	}
}

// beginNegotiation runs in the loop.
func (l *link) beginNegotiation() error {
	if l.negotiating {
		return video.Errorf(video.CodeState, "another offer is being answered")
	}
	l.negotiating = true
	return nil
}

// endNegotiation runs in the loop, after the answer was queued for the client.
func (l *link) endNegotiation() {
	l.negotiating = false
	l.flush()
}

// answer has the transport answer an offer. It runs in the asker's goroutine.
func (l *link) answer(ctx context.Context, offer string) (string, error) {
	answer, err := l.transport.Negotiate(ctx, offer)
	if err == nil {
		return answer, nil
	}
	return "", mediaFailed(ctx, "the offer cannot be used", err)
}

// negotiate answers an offer. Then, if not nil, runs in the loop before any notice that the answer makes possible.
func (l *link) negotiate(ctx context.Context, offer string, then func(answer string)) (string, error) {
	err := l.session.do(ctx, func() error {
		if !l.in {
			return errLeft
		}
		return l.beginNegotiation()
	})
	if err != nil {
		return "", gone(err)
	}
	answer, failure := l.answer(ctx, offer)
	err = l.session.do(context.WithoutCancel(ctx), func() error {
		defer l.endNegotiation()
		switch {
		case !l.in:
			return errLeft
		case failure != nil:
			return failure
		case then != nil:
			then(answer)
		}
		return nil
	})
	return answer, gone(err)
}

// leave puts the link out of the session; the listener hears nothing after it. It runs in the loop.
func (l *link) leave(reason video.LeftReason) {
	l.in = false
	l.listener.Notify(Removed{reason})
	l.session.background.Go(func() {
		defer close(l.closed)
		l.transport.Close()
	})
}

// mediaFailed is what a caller is told when a transport refused: its own words if they are meant for callers, or the
// end of the caller's context.
func mediaFailed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*video.Error](err); ok {
		return e
	}
	return video.Errorf(video.CodeMedia, "%s: %w", what, err)
}

// gone says errLeft where the loop has ended under a handle.
func gone(err error) error {
	if errors.Is(err, errEnded) {
		return errLeft
	}
	return err
}
