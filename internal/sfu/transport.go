package sfu

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// mediaSilence is how long a connected client may be silent on the media path, checks included, before the path counts
// as lost (ns). Browsers check at least every 5 s.
const mediaSilence = 15e9

// Updates is what a transport tells the floor above. The calls come from goroutines of the engine, sometimes while a call
// into the transport is under way, so they must not wait and must not call back.
type Updates interface {
	// LinesWanted says how many receive lines of each kind the connection should have in all.
	LinesWanted(audio, video int)
	// Receiving says which line carries what from now on: the whole map.
	Receiving(lines []video.ReceiveLine)
	// Connected says that media can flow: after the handshake, and when a client that was silent is heard again.
	Connected()
	// Failed says that the media path is lost, and why. After silence an ICE restart, or the client's next packet, brings
	// the path back, and Connected says so; a closed or refused connection stays lost, and nothing of the path is told any more.
	Failed(err error)
	// Layer says which layer of a stream's video the client is sent from now on: its rid, empty for the only one. It comes
	// up to 100 ms after the switch; of several in between the last is told.
	Layer(stream video.StreamID, rid string)
	// Data brings a message of the client's lossy data channel. It is lent until the call returns.
	Data(message []byte)
	// Paused says that the path to the client does not carry the video of a stream for now, or carries it again. A subscription begins
	// unpaused, and when it ends nothing is told of it any more.
	Paused(stream video.StreamID, paused bool)
	// LayersWanted says how many sizes of the video of a stream this transport publishes somebody takes, counted from the smallest: viewers,
	// or a recording. 0 is none. More is told at once, less when it has been so for a while. Before the first time all are wanted.
	LayersWanted(stream video.StreamID, layers int)
}

// TransportConfig says whose connection a transport is.
type TransportConfig struct {
	Session     video.SessionID
	Participant video.ParticipantID // for logs and totals
	Updates     Updates

	// TwoWay says that an audio line which goes both ways is used both ways: what the client sends on it is no stream, and nothing is
	// subscribed on it.
	TwoWay bool
	// Text, if not nil, makes it a connection for text messages and nothing else (OfferText), and is told of them.
	Text TextListener
}

// Transport is one client's connection: its ICE, DTLS and SRTP, the lines it was opened with, and the streams that use
// them. Its methods may be called from any goroutine.
type Transport struct {
	engine  *Engine
	router  *router
	session video.SessionID
	whose   video.ParticipantID
	updates Updates
	log     *slog.Logger
	ssrc    uint32 // of the reports and requests we send

	ice  iceLite
	dtls *dtlsEnd
	data dataEnd
	in   inbound
	out  outbound

	lastHeard  atomic.Int64 // when anything authentic came (ns)
	twoWay     bool
	isSecured  atomic.Bool
	closed     atomic.Bool
	offered    atomic.Int64 // when the handshake could begin (ns), 0 before the first offer
	lastReport int64        // of the ticker alone

	stop    context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
	told    told

	lines              // guarded by router.mu
	dtlsStarted bool   // guarded by router.mu
	proposed    *offer // guarded by router.mu; what we offered and had no answer to
	leg         leg    // guarded by router.mu
	sdpID       uint64 // of the answers' origin
	sdpVersion  int    // guarded by router.mu
}

func newTransport(e *Engine, r *router, cfg TransportConfig) *Transport {
	t := &Transport{
		engine: e, router: r, session: cfg.Session, whose: cfg.Participant, updates: cfg.Updates,
		log:  e.log.With("session", cfg.Session, "participant", cfg.Participant),
		ssrc: randomSSRC(), sdpID: uint64(randomSSRC()) << 20,
	}
	t.ice.local = newCredentials()
	t.dtls = newDTLSEnd(t)
	t.data.transport = t
	t.twoWay, t.data.text.listener = cfg.TwoWay, cfg.Text
	t.in.tracks, t.in.sources = map[string]*track{}, map[uint32]source{}
	t.out.bySSRC = map[uint32]*forwarder{}
	t.out.chained[1].audio = true
	t.subscriptions = map[video.StreamID]*subscription{}
	t.ctx, t.stop = context.WithCancel(e.ctx)
	return t
}

func randomSSRC() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])&0x7fffffff | 1
}

// startDTLS begins the handshake with a client of this fingerprint. Called with router.mu held, once.
func (t *Transport) startDTLS(peer fingerprint) {
	t.dtlsStarted = true
	t.offered.Store(t.engine.Now())
	t.dtls.peer = peer
	t.running.Go(func() {
		err := t.dtls.run(t.ctx, t.engine.certificate)
		if t.ctx.Err() == nil {
			t.fail(err)
		}
	})
}

// secured takes the keys of a finished handshake.
func (t *Transport) secured(in *srtp.Context, out *sealer) {
	t.router.media.Lock()
	t.in.srtp, t.out.sealer = in, out
	t.router.media.Unlock()
	t.isSecured.Store(true)
	t.lastHeard.Store(t.engine.Now())
	t.updates.Connected()
	t.engine.batched(func(b *batch) {
		t.router.media.Lock()
		defer t.router.media.Unlock()
		t.start(b, t.engine.Now())
	})
}

// hears notes that something authentic came.
func (t *Transport) hears(now int64) {
	if t.lastHeard.Load() != now { // a burst has one moment
		t.lastHeard.Store(now)
	}
}

// told is what was told of the media path. Its lock is a leaf but for the updates told under it, so that they keep their
// order and none comes after the last.
type told struct {
	mu     sync.Mutex
	silent bool // it was told that nothing is heard
	over   bool // nothing is told any more
}

// fail tells that the path is lost for good.
func (t *Transport) fail(err error) {
	t.told.mu.Lock()
	defer t.told.mu.Unlock()
	if t.told.over {
		return
	}
	t.told.over = true
	t.log.Debug("media path lost", "error", err)
	t.updates.Failed(err)
}

// hear tells when a client that was heard falls silent, and the other way round.
func (t *Transport) hear(silent bool) {
	t.told.mu.Lock()
	defer t.told.mu.Unlock()
	switch {
	case t.told.over || t.told.silent == silent:
		return
	case silent:
		t.log.Debug("media path lost", "error", errSilent)
		t.updates.Failed(errSilent)
	default:
		t.log.Debug("media path is back")
		t.updates.Connected()
	}
	t.told.silent = silent
}

var (
	errNeverConnected = errors.New("no media connection within 30 s")
	errSilent         = errors.New("nothing heard on the media path for 15 s")
)

// checkAlive reports a connection that was offered but never came to be, or went silent. Without an offer there is nothing to
// wait for: a participant may neither send nor receive.
func (t *Transport) checkAlive(now int64) {
	switch {
	case !t.isSecured.Load():
		if offered := t.offered.Load(); offered != 0 && now-offered > int64(handshakeTimeout) {
			t.fail(errNeverConnected)
		}
	default:
		t.hear(now-t.lastHeard.Load() > mediaSilence)
	}
}

func (t *Transport) sendRaw(b []byte) {
	if p := t.ice.chosen.Load(); p != nil {
		p.send(b)
	}
}

// Close ends the connection: its streams and subscriptions are gone, the client is told by DTLS, and nothing of it runs
// when Close returns. No update comes after it. Closing twice does nothing.
func (t *Transport) Close() {
	if t.closed.Swap(true) {
		return
	}
	t.told.mu.Lock()
	t.told.over = true // nobody is told of what was asked for
	t.told.mu.Unlock()
	t.router.leave(t)
	t.stop() // the DTLS connection says goodbye and then closes its queue
	t.running.Wait()
	_ = t.dtls.Close()
	t.engine.drop(t, t.session)
	t.ice.hangUp()
}
