package sfu

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Extension ids of the lines in these tests.
const (
	idMID = iota + 1
	idRID
	idRepaired
	idSequence
)

// wire is a client without ICE and DTLS: a transport that has its keys, and the socket it sends to. Packets are put in one by one,
// at any invented moment, and have been forwarded when that returns.
type wire struct {
	*watcher
	t         testing.TB
	engine    *Engine
	transport *Transport
	encrypt   *srtp.Context
	scratch   arrival
	address   netip.AddrPort
	rtp       chan *rtp.Packet
	rtcp      chan rtcp.Packet
}

func newWire(t testing.TB, e *Engine, session video.SessionID, lines ...*offeredLine) *wire {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{
		watcher: newWatcher(), t: t, engine: e, encrypt: testContext(t), address: conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		rtp: make(chan *rtp.Packet, 4096), rtcp: make(chan rtcp.Packet, 4096),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.read(conn, testContext(t))
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	w.transport = securedTransport(t, e, session, w.address, w.watcher)
	w.offer(lines...)
	return w
}

// read sorts what the server sends into the channels.
func (w *wire) read(conn *net.UDPConn, decrypt *srtp.Context) {
	var b [2048]byte
	for {
		n, err := conn.Read(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			w.t.Error(err)
			return
		}
		if packet.IsRTCP(b[:n]) {
			plain, err := decrypt.DecryptRTCP(nil, b[:n], nil)
			if err != nil {
				w.t.Errorf("RTCP from the server: %v", err)
				continue
			}
			packets, err := rtcp.Unmarshal(plain)
			if err != nil {
				w.t.Errorf("RTCP from the server: %v", err)
			}
			for _, p := range packets {
				w.rtcp <- p
			}
			continue
		}
		var p rtp.Packet
		plain, err := decrypt.DecryptRTP(nil, b[:n], nil)
		if err == nil {
			err = p.Unmarshal(plain)
		}
		if err != nil {
			w.t.Errorf("RTP from the server: %v", err)
			continue
		}
		w.rtp <- &p
	}
}

// offer opens lines as an offer would.
func (w *wire) offer(lines ...*offeredLine) {
	t := w.transport
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	kinds := map[video.Kind]bool{}
	for _, o := range lines {
		l := &line{mid: o.mid, media: o.media}
		t.all = append(t.all, l)
		t.apply(l, o)
		kinds[o.kind] = true
	}
	t.formPairs(len(kinds) == 1)
	if t.assign() {
		t.tellReceiving()
	}
	t.tellWanted()
}

// push lets a packet of the client arrive at this moment.
func (w *wire) push(p *rtp.Packet, now int64) {
	w.t.Helper()
	plain, err := p.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := w.encrypt.EncryptRTP(nil, plain, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.burst(func() { w.transport.receiveRTP(sealed, &w.scratch, now) })
}

// burst does what a reader does around the packets of a burst.
func (w *wire) burst(receive func()) {
	if w.scratch.batch == nil {
		w.scratch.batch = newBatch(w.engine)
	}
	func() {
		w.transport.router.media.Lock()
		defer w.transport.router.media.Unlock() // or a test that panics hangs
		receive()
	}()
	w.scratch.batch.flush()
}

// feed lets a datagram arrive at a socket.
func feed(s *socket, b []byte, from netip.AddrPort, now int64) {
	r := &reader{socket: s, arrival: arrival{batch: newBatch(s.engine)}, known: map[netip.AddrPort]*Transport{}}
	r.take(b, from, now)
	r.hold(nil)
	r.batch.flush()
}

// tend lets time tend to the taps of the client's tracks.
func (w *wire) tend(now int64) { w.burst(func() { w.transport.tendTaps(w.scratch.batch, now) }) }

// report lets RTCP of the client arrive at this moment.
func (w *wire) report(now int64, packets ...rtcp.Packet) {
	w.t.Helper()
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := w.encrypt.EncryptRTCP(nil, plain, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.burst(func() { w.transport.receiveRTCP(sealed, &w.scratch, now) })
}

// take waits for the next n packets of media.
func (w *wire) take(n int) []*rtp.Packet {
	w.t.Helper()
	var out []*rtp.Packet
	for len(out) < n {
		out = append(out, within(w.t, w.rtp, "a packet of media"))
	}
	return out
}

// waitRTCP waits for RTCP of this type that fits, passing over others.
func waitRTCP[P rtcp.Packet](w *wire, what string, fits func(P) bool) P {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case p := <-w.rtcp:
			if p, ok := p.(P); ok && fits(p) {
				return p
			}
		case <-deadline:
			w.t.Fatalf("timed out waiting for %s", what)
		}
	}
}

func (w *wire) publish(id video.StreamID, l video.Lines) {
	w.t.Helper()
	if err := w.transport.Publish(id, l); err != nil {
		w.t.Fatal(err)
	}
	w.transport.SetGate(id, video.Audio, true)
	w.transport.SetGate(id, video.Video, true)
}

func (w *wire) subscribe(want video.Subscription) {
	w.t.Helper()
	if err := w.transport.Subscribe(want); err != nil {
		w.t.Fatal(err)
	}
}

// encoder makes the packets of one source, one for each frame.
type encoder struct {
	wire          *wire
	payloadType   uint8
	ssrc          uint32
	step          uint32 // of the timestamp
	width, height uint16
	extensions    map[uint8]string
	opus          bool

	seq, picture uint16
	timestamp    uint32
}

func (w *wire) vp8(ssrc uint32) *encoder {
	return &encoder{wire: w, payloadType: 96, ssrc: ssrc, step: 3000, width: 640, height: 360, seq: 1000, timestamp: 50000, picture: 77}
}

func (w *wire) opus(ssrc uint32) *encoder {
	return &encoder{wire: w, payloadType: 111, ssrc: ssrc, step: 960, seq: 3000, timestamp: 90000, opus: true}
}

// make makes the next packet without sending it.
func (s *encoder) make(key bool) *rtp.Packet {
	s.seq++
	s.timestamp += s.step
	p := &rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, PayloadType: s.payloadType, SSRC: s.ssrc, SequenceNumber: s.seq, Timestamp: s.timestamp}}
	for id, v := range s.extensions {
		if err := p.SetExtension(id, []byte(v)); err != nil {
			s.wire.t.Fatal(err)
		}
	}
	if s.opus {
		p.Payload = []byte{0xfc, byte(s.seq >> 8), byte(s.seq)}
		return p
	}
	s.picture = (s.picture + 1) & 0x7fff
	p.Payload = vp8Frame(s.picture, key, byte(s.ssrc), byte(s.seq>>8), byte(s.seq))
	if key {
		binary.LittleEndian.PutUint16(p.Payload[10:], s.width)
		binary.LittleEndian.PutUint16(p.Payload[12:], s.height)
	}
	return p
}

// frame sends the next packet now.
func (s *encoder) frame(key bool) *rtp.Packet {
	p := s.make(key)
	s.wire.push(p, s.wire.engine.Now())
	return p
}

func (s *encoder) frames(n int) {
	for range n {
		s.frame(false)
	}
}

// unbroken fails unless the packets of one-packet VP8 frames are one source without a hole, moving forward in time.
func unbroken(t testing.TB, packets []*rtp.Packet) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		a, b := packets[i-1], packets[i]
		if b.SequenceNumber != a.SequenceNumber+1 || b.SSRC != a.SSRC || !packet.NewerTimestamp(b.Timestamp, a.Timestamp) {
			t.Fatalf("packet %d: number %d time %d after number %d time %d", i, b.SequenceNumber, b.Timestamp, a.SequenceNumber, a.Timestamp)
		}
		before, _ := packet.ParseVP8(a.Payload)
		v, ok := packet.ParseVP8(b.Payload)
		if !ok || v.PictureID != (before.PictureID+1)&0x7fff {
			t.Fatalf("packet %d: picture %d after %d", i, v.PictureID, before.PictureID)
		}
	}
}

func isKey(p *rtp.Packet) bool {
	v, ok := packet.ParseVP8(p.Payload)
	return ok && v.Keyframe
}

// origin tells which packet of an encoder a forwarded packet was.
func origin(p *rtp.Packet) (ssrc byte, seq uint16) {
	tail := p.Payload[len(p.Payload)-3:]
	return tail[0], binary.BigEndian.Uint16(tail[1:])
}

func audioLine(mid string, ssrc uint32) *offeredLine {
	return &offeredLine{
		mid: mid, media: "audio", kind: video.Audio, ssrc: ssrcPair{media: ssrc},
		formats: []format{{codec: opus, payloadType: 111, clockRate: 48000, channels: 2}}, extensions: map[string]uint8{},
	}
}

// simulcastLine is a line that sends layers with these rids.
func simulcastLine(mid string, rids ...string) *offeredLine {
	l := videoLine(mid, 0)
	l.rids = rids
	l.extensions = map[string]uint8{extMID: idMID, extRID: idRID, extRepairedRID: idRepaired}
	return withDirection(l, "sendonly")
}

// withNumbers makes it a line whose packets carry transport-wide numbers.
func withNumbers(l *offeredLine) *offeredLine {
	l.extensions[extTransportCC] = idSequence
	for i := range l.formats {
		l.formats[i].feedback = append(l.formats[i].feedback, "transport-cc")
	}
	return l
}

func receivePair(audio, picture string) []*offeredLine {
	return []*offeredLine{withDirection(audioLine(audio, 0), "recvonly"), withDirection(videoLine(picture, 0), "recvonly")}
}
