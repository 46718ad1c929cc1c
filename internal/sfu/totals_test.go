package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// totalsOf returns the figures of one connection.
func totalsOf(t *testing.T, e *Engine, of *Transport) video.ConnectionTotals {
	t.Helper()
	if n := len(e.Totals()); n != len(e.transports(nil)) {
		t.Fatalf("totals of %d connections", n)
	}
	return of.totals()
}

func TestTotals(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "stream", Audio: true, Video: true})
	camera := p.vp8(500)
	camera.frame(true)
	camera.make(false) // lost for good
	camera.frames(3)
	v.take(4)
	now := e.Now()
	for range 60 { // until the loss is final
		now += int64(lossInterval)
		p.burst(func() { p.transport.sendFeedback(now, false, false) })
	}

	sent := totalsOf(t, e, p.transport)
	if sent.SessionID != "s" || sent.Path != video.PathUDP || len(sent.Lines) != 2 {
		t.Fatalf("%+v", sent)
	}
	line := sent.Lines[1]
	if !line.Publishes || line.SSRC != 500 || line.StreamID != "stream" || line.Kind != video.Video || line.Packets != 4 || line.Lost != 1 || line.Octets == 0 {
		t.Fatalf("published: %+v", line)
	}

	received := totalsOf(t, e, v.transport).Lines[1]
	if received.Publishes || received.StreamID != "stream" || received.Kind != video.Video || received.Packets != 4 || received.Octets != line.Octets {
		t.Fatalf("received: %+v", received)
	}
	const delay = 65536 / 2
	at := e.Now()
	v.report(at, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
		{SSRC: 12345, TotalLost: 9},
		{SSRC: received.SSRC, TotalLost: 3, Jitter: 900, LastSenderReport: uint32(e.ntp(at-700e6) >> 16), Delay: delay},
	}})
	received = totalsOf(t, e, v.transport).Lines[1]
	if rtt := received.RoundTrip - 200*time.Millisecond; received.Lost != 3 || received.Jitter != 10*time.Millisecond || rtt.Abs() > time.Millisecond {
		t.Fatalf("as reported: %+v", received)
	}
	if c := totalsOf(t, e, v.transport); c.RoundTrip != received.RoundTrip {
		t.Fatalf("round trip of the connection %v", c.RoundTrip)
	}

	p.transport.Unpublish("stream")
	if left := totalsOf(t, e, p.transport).Lines; len(left) != 0 {
		t.Fatalf("of no stream: %+v", left)
	}
	if left := totalsOf(t, e, v.transport).Lines[1]; left.StreamID != "" {
		t.Fatalf("receives nothing: %+v", left)
	}
}

// A client may send reports that are cut off, or say what cannot be.
func TestReportsOfAnyContent(t *testing.T) {
	e := newEngine(t)
	v := newWire(t, e, "s", receivePair("a", "v")...)
	ssrc := v.transport.totals().Lines[0].SSRC
	v.transport.router.media.Lock()
	defer v.transport.router.media.Unlock()
	block := make([]byte, reportBlockSize)
	block[0], block[1], block[2], block[3] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
	for i := 4; i < len(block); i++ {
		block[i] = 0xff
	}
	for n := range block {
		v.transport.takeReports(block[:n], 31, e.Now())
	}
	v.transport.takeReports(block, 31, e.Now())
	f := v.transport.out.bySSRC[ssrc]
	if f.reported.lost != -1 || f.reported.roundTrip < 0 || f.reported.roundTrip > longestRoundTrip {
		t.Fatalf("%+v", f.reported)
	}
}
