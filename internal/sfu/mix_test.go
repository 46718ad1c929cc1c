package sfu

import (
	"net"
	"testing"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestMixTakesWhatIsForwarded: the audio of a stream, as long as its gate is open and the stream is there, beside its recording.
func TestMixTakesWhatIsForwarded(t *testing.T) {
	e := stillEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
	voice, camera := p.opus(600), p.vp8(500)
	var mixed, recorded tape
	p.transport.Mix("stream", &mixed)
	p.transport.Mix("stream", &mixed)
	p.transport.Record("stream", &recorded, nil)
	if len(mixed.sources) != 1 {
		t.Fatal("the sink was not told its source once")
	}
	sent := voice.frame(false)
	camera.frame(true)
	if m := mixed.want(t, 1)[0]; m.Codec != packet.CodecOpus || m.ClockRate != 48000 || uint16(m.Number) != sent.SequenceNumber {
		t.Errorf("took %+v", m)
	}
	recorded.want(t, 1)
	p.transport.SetGate("stream", video.Audio, false)
	voice.frame(false)
	mixed.want(t, 0)
	p.transport.SetGate("stream", video.Audio, true)
	voice.frame(false)
	mixed.want(t, 1)
	p.transport.Mix("stream", nil)
	voice.frame(false)
	mixed.want(t, 0)
	recorded.want(t, 2)
	p.transport.Mix("stream", &mixed)
	p.transport.Unpublish("stream")
	p.publish("another", video.Lines{AudioMID: "0"})
	voice.frame(false)
	mixed.want(t, 0)
	p.transport.Mix("nothing", &mixed)
}

// TestMixKeepsTheFloor: of a large session those are mixed who are forwarded.
func TestMixKeepsTheFloor(t *testing.T) {
	e := newLargeRoom(t, 1, 1)
	loud, other := newTalker(t, e, 0), newTalker(t, e, 1)
	var first, second tape
	loud.wire.transport.Mix(loud.stream, &first)
	other.wire.transport.Mix(other.stream, &second)
	other.say(hushed, 1)
	loud.say(speech, 20)
	second.rewind()
	other.say(speech, 5)
	first.want(t, 20)
	second.want(t, 0)
}

// newTwoWay is a client with one audio line that goes both ways.
func newTwoWay(t testing.TB, e *Engine, line *offeredLine) *wire {
	t.Helper()
	w := newWire(t, e, "s")
	w.transport.twoWay = true
	w.offer(withDirection(line, "sendrecv"))
	return w
}

// TestLeg: what a client sends on its two-way line goes to a sink, while that is open, and takes no place on the floor.
func TestLeg(t *testing.T) {
	e := newLargeRoom(t, 1, 1)
	w := newWire(t, e, "s")
	w.transport.twoWay = true
	var mixed, another tape
	w.transport.Leg(&mixed, true) // before there is a line
	w.offer(withDirection(audioLine("0", 600), "sendrecv"), withDirection(audioLine("1", 601), "sendrecv"))
	voice := w.opus(600)
	voice.frames(3)
	mixed.want(t, 3)
	w.opus(601).frame(false) // one line is enough
	mixed.want(t, 0)
	w.transport.Leg(&mixed, false)
	voice.frame(false)
	mixed.want(t, 0)
	w.transport.Leg(&mixed, true)
	if len(mixed.sources) != 1 {
		t.Errorf("the sink was told its source %d times", len(mixed.sources))
	}
	voice.frame(false)
	mixed.want(t, 1)
	w.transport.Leg(&another, true)
	voice.frame(false)
	mixed.want(t, 0)
	another.want(t, 1)
	w.transport.Leg(nil, false)
	voice.frame(false)
	another.want(t, 0)
	if v := e.Voices("s", nil); len(v) != 0 {
		t.Errorf("heard %v on what is no stream", v)
	}
	w.transport.Leg(&another, true)
	w.transport.Close()
	w.transport.Leg(&another, true)
}

// TestSendMixed: a mix goes down the two-way line as one source, whoever makes it, and anew.
func TestSendMixed(t *testing.T) {
	for name, line := range map[string]*offeredLine{"plain": audioLine("0", 600), "numbered": withNumbers(audioLine("0", 600))} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t)
			early := newWire(t, e, "s")
			early.transport.SendMixed(0, 0, true, []byte{1}) // there is no line
			w := newTwoWay(t, e, line)
			for n := range uint64(3) {
				w.transport.SendMixed(n, 5000+960*uint32(n), n == 0, []byte{0xfc, byte(n)})
			}
			got := w.take(3)
			for i, p := range got {
				if p.SSRC != got[0].SSRC || p.SequenceNumber != got[0].SequenceNumber+uint16(i) || p.Timestamp != got[0].Timestamp+960*uint32(i) ||
					p.Marker != (i == 0) || p.PayloadType != 111 || len(p.Payload) != 2 || p.Payload[1] != byte(i) {
					t.Errorf("packet %d: %+v", i, p)
				}
				if name == "numbered" && len(p.GetExtension(idSequence)) != 2 {
					t.Error("a packet has no transport-wide number")
				}
			}
			report := waitRTCP(w, "a sender report", func(r *rtcp.SenderReport) bool { return r.SSRC == got[0].SSRC && r.PacketCount == 3 })
			// The ticker may have looked at its clock just before the packet was made.
			if ahead := int32(report.RTPTime - got[2].Timestamp); ahead < -4800 || ahead > 10*48000 {
				t.Errorf("a report is of %d samples after the last packet", ahead)
			}
			w.transport.SendMixed(0, 70, true, []byte{0xfc})
			again := w.take(1)[0]
			if ahead := int32(again.Timestamp - got[2].Timestamp); again.SequenceNumber != got[2].SequenceNumber+1 || ahead < 1 || ahead > 10*48000 {
				t.Errorf("another mix begins with number %d after %d, %d samples later", again.SequenceNumber, got[2].SequenceNumber, ahead)
			}
			w.transport.SendMixed(1, 70+960, false, make([]byte, packet.MaxSize))
			w.transport.SendMixed(2, 70+2*960, false, []byte{0xfc})
			if p := w.take(1)[0]; p.Timestamp != again.Timestamp+2*960 {
				t.Errorf("the next is %d samples later", p.Timestamp-again.Timestamp)
			}
			w.transport.Close()
			w.transport.SendMixed(3, 0, false, []byte{0xfc})
		})
	}
}

// newUnread is a client with a two-way line that nobody reads for: reading costs more than sending, and allocates.
func newUnread(t testing.TB) (*Engine, *wire) {
	t.Helper()
	e := newEngine(t)
	e.stop()
	w := newTwoWay(t, e, withNumbers(audioLine("0", 600)))
	drain, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = drain.Close() })
	nobody := drain.LocalAddr().(*net.UDPAddr).AddrPort()
	w.transport.ice.chosen.Store(&path{socket: e.sockets[0], remote: nobody, name: nameOf(nobody)})
	return e, w
}

// BenchmarkSendMixed is what a packet of a mix costs on its way down.
func BenchmarkSendMixed(b *testing.B) {
	_, w := newUnread(b)
	payload := make([]byte, 100) // 40 kbit/s
	for n := range uint64(b.N) {
		w.transport.SendMixed(n, uint32(n)*960, false, payload)
	}
}
