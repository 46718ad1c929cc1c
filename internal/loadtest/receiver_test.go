package loadtest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// stand is a receiver that is handed packets at invented moments; what it sends goes to a socket of the test.
type stand struct {
	*bench
	receiver *receiver
	server   *srtp.Context
	ssrc     uint32
	rtx      uint32
}

func newStand(t *testing.T, feedback bool) *stand {
	t.Helper()
	b := newBench(t)
	plan := goodPlan()
	s := &stand{bench: b, server: testKeys(t), ssrc: 1000, rtx: 2000}
	s.receiver = newReceiver(7, &plan, newArrivals())
	tr := b.sender.t
	tr.sender, tr.receiver, tr.in = nil, s.receiver, testKeys(t)
	tr.loop.measuring = true
	s.receiver.expect(&answer{sources: []sourceLine{{kind: video.Video, ssrc: s.ssrc, rtx: s.rtx}}, feedback: feedback})
	return s
}

// packet lets a packet of the server arrive that was sent 5 ms before.
func (s *stand) packet(ssrc uint32, seq uint16, prefix ...byte) {
	s.t.Helper()
	payload := append(prefix, make([]byte, 100)...)
	at := wallClock()
	stamp{source: 3, sent: at - int64(5*time.Millisecond), count: uint64(seq)}.put(payload)
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: vp8Type, SSRC: ssrc, SequenceNumber: seq, Timestamp: 3000}, Payload: payload}
	if err := p.SetExtension(sequenceID, binary.BigEndian.AppendUint16(nil, seq)); err != nil {
		s.t.Fatal(err)
	}
	plain, err := p.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	sealed, err := s.server.EncryptRTP(nil, plain, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sender.t.arrive(sealed, at, s.now)
}

// said returns the RTCP packets that the receiver sends now.
func (s *stand) said() []rtcp.Packet {
	s.t.Helper()
	s.now += int64(feedbackInterval)
	s.receiver.reported = 0
	s.receiver.feedBack(s.sender.t, s.now)
	_ = s.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var raw [2048]byte
	n, err := s.conn.Read(raw[:])
	if err != nil {
		s.t.Fatal(err)
	}
	plain, err := s.srtp.DecryptRTCP(nil, raw[:n], nil)
	if err != nil {
		s.t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		s.t.Fatal(err)
	}
	return packets
}

func find[P rtcp.Packet](packets []rtcp.Packet) (found P) {
	for _, p := range packets {
		if p, ok := p.(P); ok {
			return p
		}
	}
	return found
}

// A hole is asked for, reported and counted as lost until its packet comes again.
func TestHoleIsAskedForAndMended(t *testing.T) {
	s := newStand(t, false)
	for _, seq := range []uint16{65534, 65535, 1, 2, 3, 3} {
		s.packet(s.ssrc, seq)
	}
	in := s.receiver.all[0]
	if in.lost() != 1 || in.duplicates != 1 {
		t.Errorf("%d lost, %d duplicates, want one each", in.lost(), in.duplicates)
	}
	packets := s.said()
	if nack := find[*rtcp.TransportLayerNack](packets); nack == nil || nack.MediaSSRC != s.ssrc || nack.Nacks[0].PacketID != 0 {
		t.Errorf("asked for %v", nack)
	}
	if rr := find[*rtcp.ReceiverReport](packets); rr == nil || len(rr.Reports) != 1 || rr.Reports[0].TotalLost != 1 || rr.Reports[0].SSRC != s.ssrc {
		t.Errorf("reported %v", rr)
	}
	s.packet(s.rtx, 500, 0, 0) // it had number 0
	if in.lost() != 0 || in.repaired != 1 || in.reception.Received() != 6 {
		t.Errorf("%d lost, %d repaired, %d received", in.lost(), in.repaired, in.reception.Received())
	}
	if rr := find[*rtcp.ReceiverReport](s.said()); rr == nil || rr.Reports[0].TotalLost != 0 {
		t.Errorf("then reported %v", rr)
	}
	if f := find[*rtcp.TransportLayerCC](packets); f != nil {
		t.Errorf("feedback that was not negotiated: %v", f)
	}
}

// The server's numbers across the connection are fed back where that was negotiated.
func TestTransportWideFeedback(t *testing.T) {
	s := newStand(t, true)
	for seq := range uint16(10) {
		s.packet(s.ssrc, 100+seq)
	}
	if f := find[*rtcp.TransportLayerCC](s.said()); f == nil || f.BaseSequenceNumber != 100 || f.PacketStatusCount != 10 {
		t.Errorf("fed back %v", f)
	}
}

// Latency is of the packets that are decrypted: the first and one in so many.
func TestLatencyIsSampled(t *testing.T) {
	s := newStand(t, false)
	for seq := range uint16(2*sampleEvery + 1) {
		s.packet(s.ssrc, seq)
	}
	l := s.sender.t.loop
	if l.tally.sampled != 3 || l.latency.count != 3 || l.tally.unauthentic != 0 {
		t.Errorf("%d sampled, %d latencies, %d unauthentic", l.tally.sampled, l.latency.count, l.tally.unauthentic)
	}
	if p := l.latency.percentile(50); p < 5*time.Millisecond || p > 6*time.Millisecond {
		t.Errorf("p50 is %v, want 5 ms", p)
	}
	if first := s.receiver.all[0].first; first.source != 3 || first.count != 0 {
		t.Errorf("the first was %+v", first)
	}
	if first, picture, _ := s.receiver.joined.times(); first <= 0 || picture != first {
		t.Errorf("first packet after %v, picture after %v", first, picture)
	}
}

// A packet that is not what was sent is noticed where it is decrypted.
func TestForgedPacketIsNoticed(t *testing.T) {
	s := newStand(t, false)
	s.server = func() *srtp.Context {
		c, err := srtp.CreateContext([]byte("0123456789abcdef"), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}()
	s.packet(s.ssrc, 1)
	if got := s.sender.t.loop.tally.unauthentic; got != 1 {
		t.Errorf("%d packets are unauthentic", got)
	}
}
