package sfu

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestForwardOverTCP has a publisher and a viewer that can use nothing but TCP.
func TestForwardOverTCP(t *testing.T) {
	e := newEngine(t)
	forwardOver(t, e, webrtc.NetworkTypeTCP4)
	if n := e.Stats().TCPConnections; n < 2 {
		t.Errorf("%d connections over TCP", n)
	}
}

// TestIPv6 has clients found at ::1 over UDP and over TCP.
func TestIPv6(t *testing.T) {
	loopback := netip.MustParseAddr("::1")
	e, err := New(Config{Addresses: []netip.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if !strings.Contains(e.candidates[0], " udp ") || !strings.Contains(e.candidates[1], " tcp ") || !strings.Contains(e.candidates[1], " ::1 ") {
		t.Errorf("candidates %q", e.candidates)
	}
	tr, _ := newTransportOf(t, e)
	udp, err := net.Dial("udp6", netip.AddrPortFrom(loopback, uint16(e.Port())).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	if _, err := udp.Write(bindingRequest(t, tr.ice.local, 200, true).Raw); err != nil {
		t.Fatal(err)
	}
	var b [1500]byte
	_ = udp.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := udp.Read(b[:])
	if err != nil {
		t.Fatal(err)
	}
	wantMapped(t, b[:n], udp)
	d := dialer{t, e}
	d.checkedOver(tr, d.dialAt("::1"))
}

// forwardOver sends video from one client to another, both over the network, and wants it unbroken.
func forwardOver(t *testing.T, e *Engine, network webrtc.NetworkType) {
	t.Helper()
	session, id := video.SessionID(video.NewUUID()), video.StreamID(video.NewUUID())
	publisher := newPeerOver(t, e, session, network)
	track, tr := publisher.send(webrtc.MimeTypeVP8)
	publisher.negotiate()
	if err := publisher.transport.Publish(id, video.Lines{VideoMID: tr.Mid()}); err != nil {
		t.Fatal(err)
	}
	publisher.transport.SetGate(id, video.Video, true)
	within(t, publisher.connected, "the publisher's connection")
	publisher.stream(track, 20)

	viewer := newPeerOver(t, e, session, network)
	tracks := make(chan *webrtc.TrackRemote, 2)
	viewer.pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- tr })
	if err := viewer.transport.Subscribe(video.Subscription{StreamID: id, Video: true, Audio: true}); err != nil {
		t.Fatal(err)
	}
	viewer.addReceiveLines(1)
	viewer.negotiate()
	within(t, viewer.connected, "the viewer's connection")
	got := within(t, tracks, "the remote track")
	inOrder(t, got, 50)
}

// dialer opens connections to the TCP port of an engine.
type dialer struct {
	t testing.TB
	e *Engine
}

func (d dialer) dial() net.Conn { d.t.Helper(); return d.dialAt("127.0.0.1") }

func (d dialer) dialAt(host string) net.Conn {
	d.t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(d.e.TCPPort())))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func frameOf(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// checked opens a connection and has it checked as the client of a transport.
func (d dialer) checked(tr *Transport) net.Conn {
	d.t.Helper()
	conn := d.dial()
	d.checkedOver(tr, conn)
	return conn
}

func (d dialer) checkedOver(tr *Transport, conn net.Conn) {
	d.t.Helper()
	check := frameOf(bindingRequest(d.t, tr.ice.local, 100, true).Raw)
	for _, part := range [][]byte{check[:1], check[1:30], check[30:]} { // however it comes
		if _, err := conn.Write(part); err != nil {
			d.t.Fatal(err)
		}
	}
	wantMapped(d.t, d.frame(conn), conn)
}

// wantMapped wants a check answered, with the address it came from.
func wantMapped(t testing.TB, answer []byte, conn net.Conn) {
	t.Helper()
	m := &stun.Message{Raw: answer}
	var mapped stun.XORMappedAddress
	if err := errors.Join(m.Decode(), mapped.GetFrom(m)); err != nil || m.Type != stun.BindingSuccess || mapped.String() != conn.LocalAddr().String() {
		t.Fatalf("the check of %s is answered with %v (%v)", conn.LocalAddr(), m, err)
	}
}

func (d dialer) frame(conn net.Conn) []byte {
	d.t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		d.t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		d.t.Fatal(err)
	}
	return b
}

// wantClosed waits until the server closes a connection.
func (d dialer) wantClosed(conn net.Conn, why string) {
	d.t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err := io.Copy(io.Discard, conn)
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		d.t.Errorf("the server does not close a connection with %s", why)
	}
}

func TestTCPStrangersAreCutOff(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	other, _ := newTransportOf(t, e)
	d := dialer{t, e}
	wrong := bindingRequest(t, credentials{tr.ice.local.ufrag, "not the password at all"}, 1, true).Raw
	for why, bytes := range map[string][]byte{
		"an HTTP request":           []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a frame that is too long":  {0xff, 0xff, 0, 1},
		"a check by nobody's words": frameOf(wrong),
		"media before a check":      frameOf([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
		"a handshake before it":     frameOf([]byte{22, 0xfe, 0xfd}),
	} {
		conn := d.dial()
		if _, err := conn.Write(bytes); err != nil {
			t.Fatal(err)
		}
		d.wantClosed(conn, why)
	}
	// What is nonsense of a client is ignored; a check for another ends the connection.
	conn := d.checked(tr)
	for _, b := range [][]byte{{}, {0x80, 96}, {0x80, 200, 0, 0}, {200}, {22, 1}, {1}} {
		_, _ = conn.Write(frameOf(b))
	}
	_, _ = conn.Write(frameOf(bindingRequest(t, tr.ice.local, 100, true).Raw))
	if m := (&stun.Message{Raw: d.frame(conn)}); m.Decode() != nil || m.Type != stun.BindingSuccess {
		t.Errorf("after nonsense a check is answered with %v", m)
	}
	_, _ = conn.Write(frameOf(bindingRequest(t, other.ice.local, 100, true).Raw))
	d.wantClosed(conn, "a check for another client")
	eventually(t, "the connections to be forgotten", func() bool { return e.Stats().TCPConnections == 0 })
}

func TestTCPConnectionsAreBounded(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	d := dialer{t, e}
	first := d.dial()
	for range maxStrangersOfOne + 5 {
		d.dial()
	}
	eventually(t, "strangers to be refused", func() bool { return e.Stats().TCPConnectionsRefused == 6 })
	if n := e.Stats().TCPConnections; n != maxStrangersOfOne {
		t.Errorf("%d strangers of one address are in", n)
	}
	_ = first.Close()
	eventually(t, "room for one", func() bool { return e.Stats().TCPConnections == maxStrangersOfOne-1 })
	// A client may have some connections, and the oldest makes room.
	oldest := d.checked(tr)
	chosen := tr.ice.chosen.Load()
	if chosen == nil || chosen.remote.String() != oldest.LocalAddr().String() {
		t.Fatalf("the path is %v", chosen)
	}
	second := d.checked(tr)
	for range maxPaths - 1 {
		d.checked(tr)
	}
	d.wantClosed(second, "many newer ones of the same client")
	_ = oldest.Close()
	eventually(t, "the end of the path", chosen.gone)
	last := d.checked(tr)
	if p := tr.ice.chosen.Load(); p.gone() || p.remote.String() != last.LocalAddr().String() {
		t.Errorf("media goes to %v, which is gone", p.remote)
	}
	tr.Close()
	d.wantClosed(last, "a transport that closed")
}

// The time a stranger has is not waited for here; what ends it is the deadline of its connection.
func TestTCPHalfOpenEnds(t *testing.T) {
	e := newEngine(t)
	d := dialer{t, e}
	conn := d.dial()
	eventually(t, "the connection", func() bool { return e.Stats().TCPConnections == 1 })
	e.tcp.mu.Lock()
	for c := range e.tcp.conns {
		_ = c.conn.SetReadDeadline(time.Now())
	}
	e.tcp.mu.Unlock()
	d.wantClosed(conn, "nothing to say")
}

// A client that does not read costs what its queue holds, and nobody else anything.
func TestTCPSlowReader(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	d := dialer{t, e}
	conn := d.checked(tr)
	path := tr.ice.chosen.Load()
	const packets, size = 20_000, 1100
	b := newBatch(e)
	var pictures, sound chained
	sound.audio = true
	for i := range packets {
		room := b.room()
		binary.BigEndian.PutUint32(room, uint32(i))
		b.add(&pictures, path, size)
		if i%100 == 0 {
			room = b.room()
			room[0] = 0xaa
			b.add(&sound, path, 100)
		}
	}
	b.flush()
	if n := e.Stats().TCPPacketsDropped; n == 0 || n >= packets {
		t.Errorf("%d packets were dropped", n)
	}
	path.tcp.queue.mu.Lock()
	held := cap(path.tcp.queue.video.bytes) + cap(path.tcp.queue.urgent.bytes)
	path.tcp.queue.mu.Unlock()
	if held > 4*(videoWaiting+urgentWaiting) {
		t.Errorf("%d bytes are held for a client that reads nothing", held)
	}
	// What comes, comes in order and whole, the newest last; sound is complete.
	last, heard := -1, 0
	for last != packets-1 || heard < packets/100 {
		frame := d.frame(conn)
		switch {
		case len(frame) == 100:
			heard++
		case int(binary.BigEndian.Uint32(frame)) <= last:
			t.Fatalf("packet %d comes after %d", binary.BigEndian.Uint32(frame), last)
		default:
			last = int(binary.BigEndian.Uint32(frame))
		}
	}
}

func TestTCPQueue(t *testing.T) {
	var q tcpQueue
	q.init()
	packet := make([]byte, 1000)
	fill := func(now int64, n int) (lost int) {
		for range n {
			lost += q.add(&q.video, now, packet)
		}
		return lost
	}
	if n := fill(1, videoWaiting/1002); n != 0 {
		t.Errorf("%d lost although there is room", n)
	}
	if n := fill(1, 1); n != videoWaiting/1002 {
		t.Errorf("%d lost when there is no room, want all that waited", n)
	}
	if n := fill(1+longestQueue, 1); n != 0 {
		t.Errorf("%d lost that waited not too long", n)
	}
	if n := fill(2+longestQueue, 1); n != 2 {
		t.Errorf("%d lost that waited too long, want 2", n)
	}
	q.add(&q.urgent, 2+longestQueue, packet[:10])
	chunk := q.take(nil)
	if len(chunk) != 12+1002 || binary.BigEndian.Uint16(chunk) != 10 {
		t.Errorf("a chunk of %d bytes, the first frame of %d: sound does not go before video", len(chunk), binary.BigEndian.Uint16(chunk))
	}
	fill(3+longestQueue, 100)
	for taken := 0; taken < 100*1002; taken += len(chunk) {
		if chunk = q.take(chunk[:0]); len(chunk) > tcpChunk || len(chunk)%1002 != 0 {
			t.Fatalf("a chunk of %d bytes", len(chunk))
		}
	}
	fill(4+longestQueue, 1)
	q.finish()
	if lost, n := fill(4+longestQueue, 1), len(q.take(nil)); lost != 1 || n != 1002 || len(q.take(nil)) != 0 {
		t.Errorf("a finished queue loses %d of one more packet, and gives %d bytes", lost, n)
	}
	q.close()
	if fill(3, 1) != 1 || len(q.take(nil)) != 0 {
		t.Error("a closed queue takes packets")
	}
}

// A client over TCP hears of the end of its connection as well.
func TestTCPGoodbye(t *testing.T) {
	e := newEngine(t)
	p := newPeerOver(t, e, video.SessionID(video.NewUUID()), webrtc.NetworkTypeTCP4)
	_, _ = p.send(webrtc.MimeTypeVP8)
	closed := make(chan struct{})
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateClosed {
			close(closed)
		}
	})
	p.negotiate()
	within(t, p.connected, "the connection")
	p.transport.Close()
	within(t, closed, "the client to be told")
	eventually(t, "the end of the connection", func() bool { return e.Stats().TCPConnections == 0 })
}

// What comes over TCP, whatever it is, neither crashes the server nor is read beyond its end.
func FuzzTCPBurst(f *testing.F) {
	f.Add([]byte{0, 1, 0x80, 0, 0, 0xff, 0xff})
	f.Add(frameOf([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}))
	f.Add(append(frameOf([]byte{22, 0xfe, 0xfd}), frameOf([]byte{0x80, 200, 0, 0})...))
	f.Add([]byte{0, 20, 0, 1})
	e, err := New(Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(e.Close)
	known := securedTransport(f, e, "s", netip.MustParseAddrPort("127.0.0.1:3"), newWatcher())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, transport := range []*Transport{nil, known} {
			c := &tcpConn{port: e.tcp, remote: netip.MustParseAddrPort("127.0.0.1:4"), transport: transport}
			c.queue.init()
			for rest := b; ; {
				used, ok := c.burst(rest)
				if used > len(rest) || c.locked {
					t.Fatalf("%d of %d bytes used, locked: %t", used, len(rest), c.locked)
				}
				if rest = rest[used:]; !ok || used == 0 {
					break
				}
			}
		}
	})
}

func TestTCPPort(t *testing.T) {
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	e := newEngine(t)
	if e.TCPPort() == 0 {
		t.Fatal("no port for TCP")
	}
	if again, err := New(Config{Addresses: loopback, TCPPort: e.TCPPort()}); err == nil {
		again.Close()
		t.Error("a port that another has is no error")
	}
	none, err := New(Config{Addresses: loopback, TCPPort: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if none.TCPPort() != 0 || len(none.candidates) != 1 {
		t.Errorf("without TCP: port %d, candidates %q", none.TCPPort(), none.candidates)
	}
	want := "2 1 tcp 1520434943 127.0.0.1 " + strconv.Itoa(e.TCPPort()) + " typ host tcptype passive"
	if got := e.candidates[1]; got != want {
		t.Errorf("candidate %q, want %q", got, want)
	}
}
