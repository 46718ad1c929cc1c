package loadtest

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// bench is a sender whose packets go to a socket of the test, at invented moments.
type bench struct {
	t      *testing.T
	sender *sender
	conn   *net.UDPConn
	srtp   *srtp.Context
	now    int64
}

func newBench(t *testing.T, sources ...*source) *bench {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadBuffer(4 << 20)
	s, err := openSocket(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	if err := s.connect(conn.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
		t.Fatal(err)
	}
	l := &loop{started: time.Now(), batch: newBatch(), random: rand.New(rand.NewPCG(1, 2))}
	tr := newTransport(l, nil, path{})
	tr.socket, tr.connected, tr.out = s, true, testKeys(t)
	b := &bench{t: t, sender: &sender{t: tr, sources: sources, numbered: true}, conn: conn, srtp: testKeys(t), now: int64(time.Hour)}
	b.sender.begin(b.now, 0)
	return b
}

func testKeys(t *testing.T) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pass lets time pass and returns the packets that came of it, decrypted.
func (b *bench) pass(d time.Duration) (packets [][]byte) {
	for end := b.now + int64(d); b.now < end; b.now += int64(time.Millisecond) {
		before := sent(b.sender)
		b.sender.run(b.now)
		packets = append(packets, b.read(int(sent(b.sender)-before))...)
	}
	return packets
}

func sent(s *sender) (n uint64) {
	for _, src := range s.sources {
		n += src.sent + src.resent
	}
	return n
}

func (b *bench) read(n int) (packets [][]byte) {
	b.t.Helper()
	var raw [2048]byte
	for range n {
		_ = b.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		size, err := b.conn.Read(raw[:])
		if err != nil {
			b.t.Fatal(err)
		}
		plain, err := b.srtp.DecryptRTP(nil, raw[:size], nil)
		if err != nil {
			b.t.Fatal(err)
		}
		packets = append(packets, plain)
	}
	return packets
}

func header(t *testing.T, b []byte) packet.Header {
	t.Helper()
	h, ok := packet.ParseHeader(b)
	if !ok {
		t.Fatalf("no RTP packet: %x", b[:min(len(b), 32)])
	}
	return h
}

func videoSource(bitRate int) *source {
	src := new(run).newSource(vp8Type)
	src.bitRate, src.width, src.height = bitRate, 640, 360
	return src
}

// A second of video has the bit rate asked for, in 30 frames whose packets share a timestamp, the last one marked.
func TestVideoHasItsBitRate(t *testing.T) {
	for _, bitRate := range []int{75_000, 1_200_000, 6_000_000} {
		src := videoSource(bitRate)
		b := newBench(t, src)
		bytes, frames, keyframes := 0, 0, 0
		b.pass(time.Second) // which begins with a keyframe
		last := src.seq - 1
		for _, p := range b.pass(time.Second) {
			h := header(t, p)
			payload, _ := h.Payload(p)
			bytes += len(payload)
			if h.Sequence != last+1 {
				t.Fatalf("number %d after %d", h.Sequence, last)
			}
			last = h.Sequence
			v, ok := packet.ParseVP8(payload)
			if !ok || !v.HasPictureID {
				t.Fatal("a packet without a VP8 descriptor")
			}
			if v.Keyframe {
				keyframes++
			}
			if h.Marker {
				frames++
			}
			if s, ok := readStamp(payload); !ok || s.source != src.id {
				t.Fatalf("stamp %+v, %t", s, ok)
			}
		}
		if frames != frameRate || keyframes != 0 {
			t.Errorf("%d bit/s: %d frames, %d keyframes", bitRate, frames, keyframes)
		}
		if low, high := bitRate*97/100/8, bitRate*103/100/8+videoPayload; bytes < low || bytes > high {
			t.Errorf("%d bit/s: %d bytes in a second", bitRate, bytes)
		}
	}
}

// Whoever asks for a keyframe gets one with the next frame, which tells the picture's size.
func TestKeyframeWhenAsked(t *testing.T) {
	src := videoSource(300_000)
	b := newBench(t, src)
	first, _ := packet.ParseVP8(payloadOf(t, b.pass(time.Millisecond)[0]))
	if !first.Keyframe || first.Width != 640 || first.Height != 360 {
		t.Errorf("the first frame is %+v", first)
	}
	b.pass(time.Second)
	raw, err := rtcp.Marshal([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: src.ssrc}})
	if err != nil {
		t.Fatal(err)
	}
	b.sender.t.takeReport(raw, b.now)
	for _, p := range b.pass(40 * time.Millisecond) {
		if v, _ := packet.ParseVP8(payloadOf(t, p)); v.Start {
			if !v.Keyframe {
				t.Error("the next frame is none")
			}
			return
		}
	}
	t.Error("no frame came")
}

func payloadOf(t *testing.T, p []byte) []byte {
	t.Helper()
	h := header(t, p)
	payload, ok := h.Payload(p)
	if !ok {
		t.Fatal("wrong padding")
	}
	return payload
}

// A packet that is sent again is the same, as RTX with the number it had.
func TestLostPacketIsMadeAgain(t *testing.T) {
	src := videoSource(1_200_000)
	b := newBench(t, src)
	lost := b.pass(500 * time.Millisecond)[10]
	h := header(t, lost)
	raw, err := rtcp.Marshal([]rtcp.Packet{&rtcp.TransportLayerNack{
		MediaSSRC: src.ssrc, Nacks: []rtcp.NackPair{{PacketID: h.Sequence - 2, LostPackets: 0b10}, {PacketID: src.seq + 100}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.sender.t.takeReport(raw, b.now)
	if src.resent != 2 {
		t.Fatalf("%d packets were sent again, want 2: that which never was cannot be", src.resent)
	}
	again := b.read(2)[1]
	r := header(t, again)
	payload := payloadOf(t, again)
	if r.SSRC != src.rtx || r.PayloadType != rtxType || r.Timestamp != h.Timestamp || r.Marker != h.Marker {
		t.Errorf("header %+v of what was %+v", r, h)
	}
	if got := binary.BigEndian.Uint16(payload); got != h.Sequence {
		t.Errorf("it had number %d, not %d", h.Sequence, got)
	}
	if string(payload[2:]) != string(payloadOf(t, lost)) {
		t.Error("the payload is another")
	}
}

// A layer names its line and itself until the server must know, and in keyframes.
func TestLayerIntroducesItself(t *testing.T) {
	src := videoSource(300_000)
	src.mid, src.rid = "1", "h"
	b := newBench(t, src)
	p := b.pass(time.Millisecond)[0]
	h := header(t, p)
	if mid, rid := h.Extension(p, midID), h.Extension(p, ridID); string(mid) != "1" || string(rid) != "h" {
		t.Errorf("mid %q, rid %q", mid, rid)
	}
	number := binary.BigEndian.Uint16(h.Extension(p, sequenceID))
	b.pass(introduction)
	p = b.pass(40 * time.Millisecond)[0]
	h = header(t, p)
	if rid := h.Extension(p, ridID); rid != nil {
		t.Errorf("it still says rid %q", rid)
	}
	if after := binary.BigEndian.Uint16(h.Extension(p, sequenceID)); after <= number {
		t.Errorf("number %d across the connection after %d", after, number)
	}
}

func TestDelayLineKeepsOrder(t *testing.T) {
	var d delayLine
	for i := range byte(5) {
		d.pushTo([]byte{i}, int64(i)*10, netip.AddrPort{})
	}
	if got := d.take(-1); len(got) != 0 {
		t.Fatalf("%d datagrams before the first is due", len(got))
	}
	got := d.take(20)
	if len(got) != 3 || got[0].datagram[0] != 0 || got[2].datagram[0] != 2 {
		t.Fatalf("at 20: %v", got)
	}
	if got = d.take(1000); len(got) != 2 || got[1].datagram[0] != 4 {
		t.Fatalf("then: %v", got)
	}
}
