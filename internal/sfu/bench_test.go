package sfu

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// securedTransport makes a transport as it is after ICE and DTLS, with one key for both directions, that sends to the address.
func securedTransport(tb testing.TB, e *Engine, session video.SessionID, to netip.AddrPort, updates Updates) *Transport {
	tb.Helper()
	t, err := e.NewTransport(TransportConfig{Session: session, Updates: updates})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(t.Close)
	t.ice.chosen.Store(&path{socket: e.sockets[0], remote: to, name: nameOf(to)})
	t.secured(testContext(tb), testSealer(tb))
	return t
}

func testSealer(tb testing.TB) *sealer {
	tb.Helper()
	s, err := newSealer(srtp.ProtectionProfileAeadAes128Gcm, make([]byte, 16), make([]byte, 12))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func testContext(tb testing.TB) *srtp.Context {
	tb.Helper()
	c, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// videoLine is an offered line with VP8 and its RTX.
func videoLine(mid string, ssrc uint32) *offeredLine {
	return &offeredLine{
		mid: mid, media: "video", kind: video.Video, ssrc: ssrcPair{media: ssrc},
		formats: []format{{codec: vp8, payloadType: 96, rtx: 97, clockRate: 90000, feedback: []string{"nack"}}}, extensions: map[string]uint8{},
	}
}

// stage is a publisher and its receivers, and the publisher's packets as they come from the network.
type stage struct {
	tb        testing.TB
	engine    *Engine
	publisher *Transport
	encrypt   *srtp.Context
	payload   []byte
	plain     []byte
	wire      []byte
	arrival   arrival
	header    rtp.Header
	n         int
	burst     int // packets between flushes
}

const (
	stageSSRC   = 1234
	stageStream = video.StreamID("stream")
)

// newStage sets up receivers that take 1,100 byte video packets, and runs until every scratch buffer is filled.
func newStage(tb testing.TB, receivers int) *stage {
	tb.Helper()
	e := newEngine(tb)
	drain, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = drain.Close() })
	to := drain.LocalAddr().(*net.UDPAddr).AddrPort()

	const session, stream = video.SessionID("session"), stageStream
	s := &stage{tb: tb, engine: e, publisher: securedTransport(tb, e, session, to, newWatcher()), encrypt: testContext(tb), burst: 1}
	s.arrival.batch = newBatch(e)
	open := func(t *Transport, o *offeredLine) {
		t.router.mu.Lock()
		defer t.router.mu.Unlock()
		l := &line{mid: o.mid, media: o.media}
		t.all = append(t.all, l)
		t.apply(l, o)
		t.formPairs(true)
	}
	open(s.publisher, withDirection(videoLine("0", stageSSRC), "sendonly"))
	if err := s.publisher.Publish(stream, video.Lines{VideoMID: "0"}); err != nil {
		tb.Fatal(err)
	}
	s.publisher.SetGate(stream, video.Video, true)
	for range receivers {
		t := securedTransport(tb, e, session, to, newWatcher())
		open(t, withNumbers(withDirection(videoLine("0", 0), "recvonly")))
		if err := t.Subscribe(video.Subscription{StreamID: stream, Video: true}); err != nil {
			tb.Fatal(err)
		}
	}
	for range videoHistory + 16 {
		s.next()
		s.receive()
	}
	return s
}

// next makes the next packet of the publisher; it allocates nothing after the first time.
func (s *stage) next() {
	if s.payload == nil {
		s.payload = append(vp8Frame(1, true), make([]byte, 1100)...)[:1100]
		s.plain, s.wire = make([]byte, packet.MaxSize), make([]byte, 0, packet.MaxSize)
	}
	s.header = rtp.Header{Version: 2, Marker: true, PayloadType: 96, SSRC: stageSSRC, SequenceNumber: uint16(s.n), Timestamp: uint32(s.n) * 3000}
	at, err := s.header.MarshalTo(s.plain)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.n++
	at += copy(s.plain[at:], s.payload)
	if s.wire, err = s.encrypt.EncryptRTP(s.wire[:0], s.plain[:at], &s.header); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *stage) receive() {
	s.publisher.router.media.Lock()
	s.publisher.receiveRTP(s.wire, &s.arrival, s.engine.Now())
	s.publisher.router.media.Unlock()
	if s.n%s.burst == 0 {
		s.arrival.batch.flush()
	}
}

// BenchmarkForward measures one 1,100 byte video packet from its encrypted form to the system calls that send it to each
// receiver: decrypt, note arrival, decide, rewrite, encrypt, send over loopback. The time is summed around that call alone;
// ns/op includes making the packet.
func BenchmarkForward(b *testing.B) {
	for _, c := range []struct{ receivers, burst int }{{1, 1}, {10, 1}, {10, 4}, {10, 32}, {50, 4}} {
		receivers := c.receivers
		b.Run(fmt.Sprintf("receivers=%d,burst=%d", receivers, c.burst), func(b *testing.B) {
			s := newStage(b, receivers)
			s.burst = c.burst
			before := s.engine.Stats().PacketsSent
			var spent time.Duration
			b.ReportAllocs()
			for b.Loop() {
				s.next()
				start := time.Now()
				s.receive()
				spent += time.Since(start)
			}
			s.arrival.batch.flush()
			sent := s.engine.Stats().PacketsSent - before
			if sent != uint64(b.N*receivers) {
				b.Fatalf("%d packets were sent, want %d", sent, b.N*receivers)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(sent), "ns/forwarded")
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/received")
		})
	}
}

// BenchmarkStep measures the steps of BenchmarkForward one by one.
func BenchmarkStep(b *testing.B) {
	timed := func(b *testing.B, prepare, step func()) {
		var spent time.Duration
		b.ReportAllocs()
		for b.Loop() {
			prepare()
			start := time.Now()
			step()
			spent += time.Since(start)
		}
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/step")
	}
	b.Run("decrypt", func(b *testing.B) {
		s := newStage(b, 0)
		decrypt, plain := testContext(b), make([]byte, packet.MaxSize)
		var h rtp.Header
		timed(b, s.next, func() {
			if _, err := decrypt.DecryptRTP(plain[:0], s.wire, &h); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("receive", func(b *testing.B) { // decrypt, read, note arrival, keep in the history; nobody to send to
		s := newStage(b, 0)
		timed(b, s.next, s.receive)
	})
	b.Run("record", func(b *testing.B) { // receive, and hand on to a sink
		s := newStage(b, 0)
		s.publisher.Record(stageStream, nil, new(counter))
		timed(b, s.next, s.receive)
	})
	for name, sink := range map[string]packet.Sink{"untapped": nil, "tapped": new(counter)} {
		b.Run("fan out "+name, func(b *testing.B) { // what a tap costs: one atomic load while there is none
			s := newStage(b, 0)
			s.publisher.Record(stageStream, nil, sink)
			s.next()
			s.receive() // the tap begins
			p := &s.arrival.onward
			b.ReportAllocs()
			for b.Loop() {
				p.number++
				p.fanOut()
			}
		})
	}
	for _, together := range []int{1, 32} {
		b.Run(fmt.Sprintf("read %d", together), func(b *testing.B) { // ns/step is for all of them
			e := newEngine(b)
			e.stop()
			s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			from, err := net.DialUDP("udp4", nil, s.LocalAddr().(*net.UDPAddr))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = from.Close() }()
			incoming, err := newReceiver(&socket{engine: e, conn: s}, func() {})
			if err != nil {
				b.Fatal(err)
			}
			sent := make([]byte, 1128)
			timed(b, func() {
				for range together {
					_, _ = from.Write(sent)
				}
			}, func() {
				for n := 0; n < together; {
					got, err := incoming.burst()
					if err != nil {
						b.Fatal(err)
					}
					for i := range got {
						incoming.datagram(i)
					}
					n += got
				}
			})
		})
	}
	b.Run("decide", func(b *testing.B) { // decide and rewrite; without a path nothing is encrypted or sent
		s := newStage(b, 1)
		p, f := s.onward(b)
		f.transport.ice.chosen.Store(nil)
		timed(b, func() { p.number++; p.header.Sequence++; p.header.Timestamp += 3000 }, func() { f.forward(p) })
	})
	b.Run("encrypt", func(b *testing.B) {
		s := newStage(b, 0)
		out, to, number := testSealer(b), make([]byte, maxOutgoing), uint64(0)
		timed(b, func() {
			number++
			putHeader(to, 96, true, uint16(number), 0, stageSSRC)
		}, func() {
			if _, err := out.seal(to, s.payload, number); err != nil {
				b.Fatal(err)
			}
		})
	})
	for _, together := range []int{1, 4, 32} {
		b.Run(fmt.Sprintf("send %d to one", together), func(b *testing.B) { // ns/step is for all of them
			s := newStage(b, 0)
			batch, to, c := s.arrival.batch, s.publisher.ice.chosen.Load(), chained{}
			timed(b, func() {
				for range together {
					batch.room()
					batch.add(&c, to, 1128)
				}
			}, batch.flush)
		})
	}
}

// onward returns the stage's last packet on its way, and the forwarder it goes to.
func (s *stage) onward(tb testing.TB) (*onward, *forwarder) {
	tb.Helper()
	p := s.arrival.onward
	sinks := *p.layer.track.sinks.Load()
	if len(sinks) != 1 {
		tb.Fatalf("%d receivers", len(sinks))
	}
	return &p, sinks[0]
}

// counter is a sink that keeps nothing.
type counter struct{ packets, bytes int }

func (c *counter) Source(packet.Source) {}

func (c *counter) Take(m *packet.Media) { c.packets, c.bytes = c.packets+1, c.bytes+len(m.Payload) }
