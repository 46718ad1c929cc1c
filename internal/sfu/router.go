package sfu

import (
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// router connects the streams of one session to those who subscribed to them.
type router struct {
	users int // transports; guarded by Engine.mu

	// media guards what the packets of all transports of the session meet: their inbound and outbound sides, tracks, layers
	// and forwarders. A reader takes it once for a run of packets.
	media sync.Mutex
	floor floor // guarded by media

	mu       sync.Mutex
	streams  map[video.StreamID]*stream // guarded by mu
	speaking []video.StreamID           // guarded by mu
}

// stream is what a participant publishes at present over some lines.
type stream struct {
	id            video.StreamID
	owner         *Transport
	audio, video  *track // nil: the stream has no such kind
	subscriptions map[*subscription]struct{}
}

// subscription is one transport's wish for one stream.
type subscription struct {
	transport *Transport
	stream    *stream
	want      video.Subscription
	pair      *pair // nil while it waits for lines
}

// lines are a transport's media lines and what uses them. Guarded by router.mu.
type lines struct {
	all           []*line
	pairs         []*pair
	subscriptions map[video.StreamID]*subscription
	waiting       []*subscription // those without lines, in the order they were made
	wantedPairs   int             // as last told to the client
}

// line is one media section of the connection, for its whole life.
type line struct {
	mid       string
	media     string
	direction direction
	rejected  bool
	track     *track     // where the client sends
	forwarder *forwarder // where we send
	reserved  ssrcPair   // what our own offer said that we send with
	stream    *stream    // what a sending line is used for
	pair      *pair
}

// pair is an audio and a video line under one msid, which together receive one stream. For clients that offered lines of one kind
// only, the other is nil.
type pair struct {
	name         string
	audio, video *line
	subscription *subscription
}

func newRouter(f floor) *router { return &router{streams: map[video.StreamID]*stream{}, floor: f} }

// Publish makes the lines carry this stream from now on. Its gates are closed until SetGate opens them.
func (t *Transport) Publish(id video.StreamID, l video.Lines) error {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.closed.Load() {
		return video.Errorf(video.CodeState, "the connection is closed")
	}
	if r.streams[id] != nil {
		return video.Errorf(video.CodeState, "stream %s is published already", id)
	}
	audio, err := t.sendingLine(l.AudioMID, video.Audio)
	if err != nil {
		return err
	}
	picture, err := t.sendingLine(l.VideoMID, video.Video)
	if err != nil {
		return err
	}
	s := &stream{id: id, owner: t, subscriptions: map[*subscription]struct{}{}}
	if audio != nil {
		audio.stream, s.audio = s, audio.track
	}
	if picture != nil {
		picture.stream, s.video = s, picture.track
	}
	r.streams[id] = s
	if s.video != nil {
		r.media.Lock()
		s.video.stream, s.video.demand, s.video.speaks = id, demand{}, slices.Contains(r.speaking, id)
		r.media.Unlock()
	}
	return nil
}

// sendingLine finds the free line with this mid that the client sends on. An empty mid is no line.
func (t *Transport) sendingLine(mid string, kind video.Kind) (*line, error) {
	if mid == "" {
		return nil, nil
	}
	field := "/" + string(kind) + "/mid"
	i := slices.IndexFunc(t.all, func(l *line) bool { return l.mid == mid })
	switch {
	case i < 0 || t.all[i].direction != receives:
		return nil, video.Errorf(video.CodeMedia, "there is no line with mid %q to send %s on", mid, kind).WithField(field)
	case t.all[i].track.kind != kind:
		return nil, video.Errorf(video.CodeMedia, "the line with mid %q is not for %s", mid, kind).WithField(field)
	case t.all[i].stream != nil:
		return nil, video.Errorf(video.CodeMedia, "the line with mid %q carries another stream", mid).WithField(field)
	}
	return t.all[i], nil
}

// VideoCodec names the codec that the client was asked to send the video of a stream in, in lower case; nothing if it has no video.
func (t *Transport) VideoCodec(id video.StreamID) string {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.streams[id]; s != nil && s.video != nil && len(s.video.formats) > 0 {
		return string(s.video.formats[0].codec.forMedia())
	}
	return ""
}

// SetGate lets media of one kind of a stream through, or holds it back.
func (t *Transport) SetGate(id video.StreamID, kind video.Kind, open bool) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[id]
	if s == nil || s.owner != t {
		return
	}
	tr := s.audio
	if kind == video.Video {
		tr = s.video
	}
	if tr == nil || tr.open.Load() == open {
		return
	}
	r.media.Lock()
	defer r.media.Unlock()
	for _, f := range *tr.sinks.Load() {
		f.interrupt()
	}
	for _, tap := range []*tap{tr.tap.Load(), tr.mix.Load()} {
		if tap != nil {
			tap.interrupt()
		}
	}
	tr.open.Store(open)
	r.count()
	for _, l := range *tr.order.Load() {
		l.voice = packet.Voice{} // what is not let through is not heard
	}
	if !open {
		return
	}
	for _, l := range *tr.order.Load() {
		l.keyNumber = 0 // what came while the gate was closed is for nobody, later neither
		l.askKeyframe(t.engine.Now())
	}
}

// Unpublish ends a stream. Its lines are free, here and at every subscriber.
func (t *Transport) Unpublish(id video.StreamID) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.streams[id]; s != nil && s.owner == t {
		r.unpublish(s)
	}
}

func (r *router) unpublish(s *stream) {
	delete(r.streams, s.id)
	s.audio.record(nil)
	s.video.record(nil)
	s.audio.mixInto(nil)
	for sub := range s.subscriptions {
		sub.end()
		sub.transport.assign()
		sub.transport.tellReceiving()
	}
	for _, l := range s.owner.all {
		if l.stream == s {
			l.stream = nil
			l.track.open.Store(false)
		}
	}
	r.media.Lock()
	defer r.media.Unlock()
	r.count()
}

// Subscribe makes or changes a subscription to a stream of the session. It takes a free pair of lines, or asks the
// client for one.
func (t *Transport) Subscribe(want video.Subscription) error {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.closed.Load() {
		return video.Errorf(video.CodeState, "the connection is closed")
	}
	if sub := t.subscriptions[want.StreamID]; sub != nil {
		sub.want = want
		sub.apply()
		return nil
	}
	s := r.streams[want.StreamID]
	if s == nil {
		return video.Errorf(video.CodeStreamNotFound, "no stream %s in this session", want.StreamID)
	}
	sub := &subscription{transport: t, stream: s, want: want}
	s.subscriptions[sub] = struct{}{}
	t.subscriptions[want.StreamID] = sub
	t.waiting = append(t.waiting, sub)
	if t.assign() {
		t.tellReceiving()
	}
	t.tellWanted()
	return nil
}

// Unsubscribe ends a subscription and frees its lines.
func (t *Transport) Unsubscribe(id video.StreamID) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if sub := t.subscriptions[id]; sub != nil {
		sub.end()
		t.assign()
		t.tellReceiving()
	}
}

// assign gives free pairs to the subscriptions that wait. It reports whether anything changed.
func (t *Transport) assign() bool {
	changed := false
	for _, p := range t.pairs {
		if len(t.waiting) == 0 {
			break
		}
		if p.subscription != nil {
			continue
		}
		sub := t.waiting[0]
		t.waiting = t.waiting[1:]
		sub.pair, p.subscription = p, sub
		sub.apply()
		changed = true
	}
	return changed
}

// apply brings the forwarders of a subscription's lines in line with what is wanted.
func (s *subscription) apply() {
	if s.pair == nil {
		return
	}
	s.pair.audio.carry(s.stream.id, s.stream.audio, s.want.Audio, s.want)
	s.pair.video.carry(s.stream.id, s.stream.video, s.want.Video && !s.want.Hidden, s.want)
	s.pair.video.prefer(s.want.Priority)
}

// carry makes a line we send on carry the track of a stream (nil: nothing) from now on.
func (l *line) carry(stream video.StreamID, tr *track, enabled bool, want video.Subscription) {
	if l == nil || l.forwarder == nil {
		return
	}
	f := l.forwarder
	t := f.transport
	t.engine.batched(func(b *batch) {
		t.router.media.Lock()
		defer t.router.media.Unlock()
		before := f.source
		f.attach(stream, tr, enabled, want)
		if before != tr {
			before.removeSink(f)
			tr.addSink(f)
		}
		t.allocate(t.engine.Now())
		if needed := f.retarget(t.engine.Now()); needed != nil && t.out.sealer != nil {
			f.start(b, needed, t.engine.Now())
		}
		tr.tellDemand(t.engine.Now())
	})
}

// prefer says how important the picture of a line we send on is from now on.
func (l *line) prefer(priority int) {
	if l == nil || l.forwarder == nil {
		return
	}
	media := &l.forwarder.transport.router.media
	media.Lock()
	defer media.Unlock()
	l.forwarder.priority = priority
}

// end takes a subscription out of everything.
func (s *subscription) end() {
	t := s.transport
	delete(t.subscriptions, s.stream.id)
	delete(s.stream.subscriptions, s)
	t.waiting = slices.DeleteFunc(t.waiting, func(w *subscription) bool { return w == s })
	if p := s.pair; p != nil {
		p.audio.carry("", nil, false, video.Subscription{})
		p.video.carry("", nil, false, video.Subscription{})
		p.subscription, s.pair = nil, nil
	}
}

// tellWanted asks the client for lines when subscriptions wait for them. The number never shrinks.
func (t *Transport) tellWanted() {
	if n := len(t.pairs) + len(t.waiting); len(t.waiting) > 0 && n > t.wantedPairs {
		t.wantedPairs = n
		t.updates.LinesWanted(n, n)
	}
}

// tellReceiving reports which lines carry what.
func (t *Transport) tellReceiving() {
	if t.closed.Load() {
		return
	}
	lines := []video.ReceiveLine{}
	for _, p := range t.pairs {
		if p.subscription == nil {
			continue
		}
		id := p.subscription.stream.id
		if p.audio != nil {
			lines = append(lines, video.ReceiveLine{MID: p.audio.mid, StreamID: id, Kind: video.Audio})
		}
		if p.video != nil {
			lines = append(lines, video.ReceiveLine{MID: p.video.mid, StreamID: id, Kind: video.Video})
		}
	}
	t.updates.Receiving(lines)
}

// leave takes a closed transport out of the session.
func (r *router) leave(t *Transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		if s.owner == t {
			r.unpublish(s)
		}
	}
	for _, sub := range t.subscriptions {
		sub.end()
	}
	t.release()
}

// release lets go of what media needed: a reader remembers the transport until its next datagram. Called with router.mu held.
func (t *Transport) release() {
	t.router.media.Lock()
	defer t.router.media.Unlock()
	t.engine.gone.add(t.session, t.unmetered())
	for _, tr := range t.in.tracks {
		tr.order.Store(&[]*layer{})
		tr.mix.Store(nil)
		tr.rungs = nil
	}
	t.in = inbound{tracks: map[string]*track{}, sources: map[uint32]source{}}
	t.out = outbound{bySSRC: map[uint32]*forwarder{}}
}

// start gives every forwarder that waits for a keyframe one. Called with router.media held.
func (t *Transport) start(b *batch, now int64) {
	if t.out.sealer == nil {
		return
	}
	t.allocate(now)
	for _, f := range t.out.forwarders {
		if l := f.retarget(now); l != nil {
			f.start(b, l, now)
		}
	}
}
