package sfu

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// peer is a real WebRTC client connected to a transport of the engine under test.
type peer struct {
	*watcher
	t         *testing.T
	transport *Transport
	pc        *webrtc.PeerConnection
}

// watcher keeps what a transport tells.
type watcher struct {
	connected chan struct{}
	failed    chan error // room for more than the one that may come

	mu           sync.Mutex
	wanted       int
	wantedVideo  int
	timesWanted  int
	receiving    []video.ReceiveLine
	timesChanged int
	layers       []string // "stream rid"
	pauses       []string // "stream paused" or "stream resumed"
	timesBack    int
	data         []string
	demands      []string // "stream layers"
}

func newWatcher() *watcher {
	return &watcher{connected: make(chan struct{}), failed: make(chan error, 8)}
}

// lines returns the number of pairs asked for and what the lines carry by mid.
func (w *watcher) lines() (wanted int, receiving map[string]video.StreamID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	receiving = map[string]video.StreamID{}
	for _, l := range w.receiving {
		receiving[l.MID] = l.StreamID
	}
	return w.wanted, receiving
}

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func newPeer(t *testing.T, e *Engine, session video.SessionID) *peer {
	t.Helper()
	return newPeerOver(t, e, session, webrtc.NetworkTypeUDP4)
}

func newPeerOver(t *testing.T, e *Engine, session video.SessionID, network webrtc.NetworkType) *peer {
	t.Helper()
	p := &peer{t: t, watcher: newWatcher()}
	tr, err := e.NewTransport(TransportConfig{Session: session, Participant: video.ParticipantID(video.NewUUID()), Updates: p})
	if err != nil {
		t.Fatal(err)
	}
	p.transport = tr
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	if err := se.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil { // as browsers do
		t.Fatal(err)
	}
	se.SetNetworkTypes([]webrtc.NetworkType{network})
	se.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	var me webrtc.MediaEngine
	if err := me.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{extMID, extRID, extRepairedRID} {
		if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(&me))
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.pc.Close()
		tr.Close()
	})
	return p
}

func (w *watcher) LinesWanted(audio, picture int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted, w.wantedVideo = audio, picture
	w.timesWanted++
}

func (w *watcher) Receiving(l []video.ReceiveLine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receiving = l
	w.timesChanged++
}

func (w *watcher) Connected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.connected:
		w.timesBack++
	default:
		close(w.connected)
	}
}

func (w *watcher) Layer(stream video.StreamID, rid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.layers = append(w.layers, string(stream)+" "+rid)
}

func (w *watcher) Paused(stream video.StreamID, paused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pauses = append(w.pauses, string(stream)+map[bool]string{true: " paused", false: " resumed"}[paused])
}

// paused returns what was told of pauses.
func (w *watcher) paused() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pauses)
}

func (w *watcher) LayersWanted(stream video.StreamID, layers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.demands = append(w.demands, fmt.Sprint(stream, " ", layers))
}

// demanded returns what was told of the layers somebody wants.
func (w *watcher) demanded() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.demands)
}

// sent returns what was told of layers.
func (w *watcher) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.layers)
}

func (w *watcher) Data(message []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data = append(w.data, string(message))
}

// messages returns the data that came.
func (w *watcher) messages() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.data)
}

func (w *watcher) Failed(err error) { w.failed <- err }

// negotiate makes an offer, hands it to the transport and applies the answer.
func (p *peer) negotiate() {
	p.t.Helper()
	p.negotiateWith(nil)
}

func (p *peer) negotiateWith(options *webrtc.OfferOptions) {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(options)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	answer, err := p.transport.Negotiate(context.Background(), p.pc.LocalDescription().SDP)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		p.t.Fatalf("answer refused: %v\n%s", err, answer)
	}
}

func (p *peer) addReceiveLines(n int) {
	p.t.Helper()
	for range n {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// send adds a track to send on and returns it; the mid is known after negotiate.
func (p *peer) send(mime string) (*webrtc.TrackLocalStaticRTP, *webrtc.RTPTransceiver) {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, "track-"+mime, "stream")
	if err != nil {
		p.t.Fatal(err)
	}
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.t.Fatal(err)
	}
	return track, tr
}

func within[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}

// eventually waits until the condition holds, looking every few milliseconds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// vp8Frame is a one-packet frame: descriptor with picture id, and a frame tag that says whether it is a key frame.
func vp8Frame(picture uint16, key bool, body ...byte) []byte {
	p := []byte{0x90, 0x80, 0x80 | byte(picture>>8), byte(picture)}
	if !key {
		return append(append(p, 0x01, 0, 0), body...)
	}
	return append(append(p, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01), body...) // 640 x 360
}

// stream keeps sending numbered VP8 frames until the test ends; every keyEvery-th is a key frame.
func (p *peer) stream(track *webrtc.TrackLocalStaticRTP, keyEvery int) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := uint16(0); ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			_ = track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: n, Timestamp: uint32(n) * 450},
				Payload: vp8Frame(n, int(n)%keyEvery == 0, byte(n>>8), byte(n)),
			})
		}
	})
	p.t.Cleanup(func() { stop(); running.Wait() })
}

// inOrder wants n packets of a track to follow each other, and returns the first. The client's library looks at those that come first to
// find their track, and may then give them in another order.
func inOrder(t *testing.T, track *webrtc.TrackRemote, n int) (first *rtp.Packet) {
	t.Helper()
	const peeked = 10
	got := make([]*rtp.Packet, n)
	for i := range got {
		var err error
		if got[i], _, err = track.ReadRTP(); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(got[:peeked], func(a, b *rtp.Packet) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
	for i := 1; i < n; i++ {
		if last, next := got[i-1].SequenceNumber, got[i].SequenceNumber; next != last+1 {
			t.Fatalf("sequence %d after %d", next, last)
		}
	}
	return got[0]
}

func withDirection(l *offeredLine, direction string) *offeredLine {
	l.direction, _ = sdp.NewDirection(direction)
	return l
}
