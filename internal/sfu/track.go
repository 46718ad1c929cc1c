package sfu

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// videoHistory and audioHistory are how many packets of a layer can be sent again: about a second and a half of
	// 2.5 Mbit/s, and 1.2 s of Opus.
	videoHistory = 512
	audioHistory = 64
	// layerSilence is when a layer that sends nothing counts as not sent (ns). While others of the same camera go on that is known
	// sooner: when they have sent more than missingPictures since, and shortSilence (ns) has passed.
	layerSilence = 1e9
	shortSilence = 200e6
	// keyframeInterval is the shortest time between two keyframe requests for one layer (ns). It doubles with each that brings none, up to
	// keyframePatience: on a narrow path with a long queue every further keyframe makes all of them later.
	keyframeInterval = 250e6
	keyframePatience = 1e9
	// uplinkQueue is how long the queue of a client's uplink may be for lost pictures to be asked for (ns).
	uplinkQueue = 400e6
)

// track is one line a client sends on: the audio or the video of a stream. It outlives the streams that use it.
type track struct {
	transport *Transport
	kind      video.Kind
	mid       string
	formats   []format
	rids      []string
	shedRank  int   // among the tracks, when video is shed
	census    int64 // in which it was counted last; guarded by router.media

	open  atomic.Bool                  // the gate: nothing passes while it is closed
	sinks atomic.Pointer[[]*forwarder] // who takes it; replaced as a whole
	tap   atomic.Pointer[tap]          // where it is recorded, or nil; set with router.media held
	mix   atomic.Pointer[tap]          // where its audio is mixed, or nil; likewise
	mixed bool                         // it is a connection's leg, and no stream
	order atomic.Pointer[[]*layer]     // the layers seen so far, best first; replaced as a whole

	stream video.StreamID // what it carries at present; guarded by router.media
	demand demand         // guarded by router.media
	speaks bool           // its pictures come before those of others; guarded by router.media
	serial int            // layers made so far, replaced ones included; guarded by router.media
	rungs  []rung         // of the last ladder; guarded by router.media
	sizes  int            // how many sizes of the picture there are, those not sent included, as of the last ladder; guarded by router.media
	held   bool           // its audio is kept back for want of the floor; guarded by router.media
}

// layer is one RTP source of a track: all of it, or one of its simulcast encodings.
type layer struct {
	track  *track
	serial int // among all layers the track ever had
	rid    string
	ssrc   uint32
	rtx    uint32

	history   *packet.History
	heard     atomic.Int64 // when its newest packet came (ns)
	asked     atomic.Int64 // when a keyframe was last asked for (ns)
	patience  int64        // how long after that none is asked for (ns); guarded by router.media
	pixels    atomic.Int64 // width times height of the last keyframe, 0 if unknown
	clock     atomic.Pointer[senderClock]
	reception packet.Reception            // guarded by router.media
	keyNumber uint64                      // first packet of the last keyframe, 0 before it; guarded by router.media
	keyTime   uint32                      // its timestamp; guarded by router.media
	keyAt     int64                       // when it came (ns); guarded by router.media
	keyEnded  bool                        // its last packet came, or one behind it; guarded by router.media
	octets    uint32                      // of payload, so far; guarded by router.media
	behind    [maxLayers]uint32           // pictures that each layer of the track, in their order, sent since; guarded by router.media
	skipped   uint64                      // packets passed over since the last that was decrypted; guarded by router.media
	misses    uint64                      // viewers who get nothing meanwhile; guarded by router.media
	width     int                         // of the picture, as the last keyframe told it; guarded by router.media
	height    int                         // guarded by router.media
	made      composition                 // guarded by router.media
	shapedAt  uint64                      // number of the newest packet that told what it is made of; guarded by router.media
	structure *packet.DependencyStructure // nil before the first; guarded by router.media
	voice     packet.Voice                // of audio; guarded by router.media
	longest   float64                     // packet of audio of late, where no levels are told (bytes); guarded by router.media
	since     int64                       // when it got the floor (ns), 0 without; guarded by router.media

	tellsLevels bool // how loud its packets of audio are (RFC 6464); guarded by router.media
}

func newTrack(t *Transport, l *offeredLine) *track {
	tr := &track{transport: t, kind: l.kind, mid: l.mid, formats: l.formats, rids: l.rids, shedRank: rand.IntN(allRanks)}
	tr.sinks.Store(&[]*forwarder{})
	tr.order.Store(&[]*layer{})
	return tr
}

func historySize(k video.Kind) int {
	if k == video.Audio {
		return audioHistory
	}
	return videoHistory
}

// addLayer makes the layer of a source that appeared. A source that goes on under another SSRC (after a collision, or a
// restarted encoder) replaces its layer. It returns nil if the track has all the layers it may have.
// Called with router.media held.
func (t *track) addLayer(rid string, ssrc uint32) *layer {
	layers := slices.Clone(*t.order.Load())
	l := &layer{track: t, serial: t.serial, rid: rid, ssrc: ssrc, history: packet.NewHistory(historySize(t.kind))}
	t.serial++
	if i := slices.IndexFunc(layers, func(o *layer) bool { return o.rid == rid }); i >= 0 {
		layers[i] = l
	} else if len(layers) == maxLayers {
		return nil
	} else {
		layers = append(layers, l)
	}
	t.rank(layers)
	return l
}

// rank orders layers from best to worst: by picture size where it is known, else as the client listed them.
func (t *track) rank(layers []*layer) {
	slices.SortStableFunc(layers, func(a, b *layer) int {
		if x, y := a.pixels.Load(), b.pixels.Load(); x != 0 && y != 0 {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(slices.Index(t.rids, a.rid), slices.Index(t.rids, b.rid))
	})
	t.order.Store(&layers)
}

// keyframe notes where a keyframe begins, and its size. Several packets can begin the same one.
func (l *layer) keyframe(p *onward) {
	if p.number < l.keyNumber && p.header.Timestamp != l.keyTime {
		return // of a former one
	}
	if l.keyNumber == 0 || p.header.Timestamp != l.keyTime || p.number < l.keyNumber {
		l.keyNumber, l.keyTime, l.keyAt, l.keyEnded = p.number, p.header.Timestamp, p.now, false
	}
	pixels := int64(p.width) * int64(p.height)
	if pixels != 0 {
		l.width, l.height = p.width, p.height
	}
	if pixels != 0 && l.pixels.Swap(pixels) != pixels {
		l.track.rank(slices.Clone(*l.track.order.Load()))
	}
}

// active reports whether the layer is sent at present. Called with router.media held.
func (l *layer) active(now int64) bool {
	silence := now - l.heard.Load()
	return silence < shortSilence || silence < layerSilence && slices.Max(l.behind[:]) <= missingPictures
}

// hear notes that a packet of the layer came which none before had overtaken: what is sent again tells nothing of what is sent now.
// Called with router.media held.
func (l *layer) hear(endsPicture bool, now int64) {
	l.heard.Store(now)
	clear(l.behind[:])
	layers := *l.track.order.Load()
	if !endsPicture || len(layers) == 1 {
		return
	}
	place := slices.Index(layers, l)
	for _, other := range layers {
		if other != l && place >= 0 {
			other.behind[place]++
		}
	}
}

// repairs reports whether it is any use to ask for lost packets of the layer. What a queue that is full has lost would be lost again, or
// hold up what comes next, sound too.
func (l *layer) repairs(now int64) bool {
	return l.active(now) && (l.track.kind == video.Audio || l.reception.Queue(l.track.formats[0].clockRate) < uplinkQueue)
}

// repairable reports whether the client sends lost packets of this track again.
func (t *track) repairable() bool {
	return asksAgain(t.formats)
}

// asksAgain reports whether lost packets of one of these formats can be asked for.
func asksAgain(formats []format) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return slices.Contains(f.feedback, "nack") })
}

// format returns the format with this payload type, or nil. repair is set when it is the format's RTX.
func (t *track) format(payloadType uint8) (f *format, repair bool) {
	for i := range t.formats {
		switch f := &t.formats[i]; {
		case payloadType == f.payloadType, payloadType == f.red && f.red != 0:
			return f, false
		case payloadType == f.rtx && f.rtx != 0:
			return f, true
		}
	}
	return nil, false
}

// askKeyframe asks the client for a keyframe of this layer, unless it was asked just now. Called with router.media held.
func (l *layer) askKeyframe(now int64) {
	last := l.asked.Load()
	if l.track.kind != video.Video || now-last < l.patience && last != 0 || !l.asked.CompareAndSwap(last, now) {
		return
	}
	if last == 0 || l.keyAt >= last {
		l.patience = keyframeInterval
	} else {
		l.patience = min(2*l.patience, keyframePatience)
	}
	l.track.transport.sendRTCP(&rtcp.PictureLossIndication{SenderSSRC: l.track.transport.ssrc, MediaSSRC: l.ssrc})
	l.track.transport.engine.counters.keyframeRequests.Add(1)
}

// addSink and removeSink are called with router.mu and router.media held, on nil too.
func (t *track) addSink(f *forwarder) {
	if t == nil {
		return
	}
	sinks := append(slices.Clone(*t.sinks.Load()), f)
	t.sinks.Store(&sinks)
}

func (t *track) removeSink(f *forwarder) {
	if t == nil {
		return
	}
	sinks := slices.DeleteFunc(slices.Clone(*t.sinks.Load()), func(s *forwarder) bool { return s == f })
	t.sinks.Store(&sinks)
}
