package sfu

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// redLine is an audio line that has RED beside Opus.
func redLine(mid string, ssrc uint32, feedback ...string) *offeredLine {
	l := audioLine(mid, ssrc)
	l.formats[0].red, l.formats[0].feedback = 63, feedback
	return l
}

// wrap makes RED of a packet, with a copy of what was in the one before it.
func wrap(p *rtp.Packet, before []byte) *rtp.Packet {
	block := binary.BigEndian.AppendUint32(nil, (0x80|111)<<24|960<<10|uint32(len(before)))
	out := *p
	out.PayloadType = 63
	out.Payload = append(append(append(block, 111), before...), p.Payload...)
	return &out
}

// sayRED sends packets number from to to, all in RED, but for those that are lost.
func (s *encoder) sayRED(n int, lost ...int) {
	before := []byte{0xfc, 0}
	for i := range n {
		p := s.make(false)
		red := wrap(p, before)
		before = p.Payload
		gone := false
		for _, l := range lost {
			gone = gone || i == l
		}
		if !gone {
			s.wire.push(red, s.wire.engine.Now())
		}
	}
}

// TestREDForThoseWhoTakeIt: a client with RED gets the packets as they came, the others and the recording the primary alone; a lost
// packet is there for all of them, once.
func TestREDForThoseWhoTakeIt(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(redLine("0", 600), "sendonly"))
	p.publish("voice", video.Lines{AudioMID: "0"})
	var recorded tape
	p.transport.Record("voice", &recorded, nil)
	with := newWire(t, e, "s", withDirection(redLine("a", 0), "recvonly"))
	other := redLine("a", 0)
	other.formats[0].payloadType = 109 // blocks of 111 would mean nothing to it
	without := newWire(t, e, "s", withDirection(audioLine("a", 0), "recvonly"))
	foreign := newWire(t, e, "s", withDirection(other, "recvonly"))
	for _, w := range []*wire{with, without, foreign} {
		w.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	}
	voice := p.opus(600)
	voice.sayRED(10, 4)
	for name, c := range map[string]struct {
		*wire
		payloadType uint8
		red         bool
	}{"with": {with, 63, true}, "without": {without, 111, false}, "another type": {foreign, 109, false}} {
		got := c.take(10)
		for i, p := range got {
			payload, payloadType := p.Payload, p.PayloadType
			if i > 0 && (p.SequenceNumber != got[i-1].SequenceNumber+1 || p.Timestamp != got[i-1].Timestamp+960) {
				t.Errorf("%s: packet %d has number %d at %d after %d at %d", name, i, p.SequenceNumber, p.Timestamp, got[i-1].SequenceNumber, got[i-1].Timestamp)
			}
			want := c.payloadType
			if i == 4 && c.red {
				want = 111 // restored, and not RED itself
			}
			if payloadType != want {
				t.Errorf("%s: packet %d has type %d, want %d", name, i, payloadType, want)
			}
			if payloadType == 63 {
				red, ok := packet.ParseRED(payload, 111)
				if !ok || len(red.Previous) == 0 {
					t.Fatalf("%s: packet %d is no RED: %x", name, i, payload)
				}
				payload = red.Primary
			}
			if seq := binary.BigEndian.Uint16(payload[1:]); seq != uint16(3001+i) {
				t.Errorf("%s: packet %d is that of number %d", name, i, seq)
			}
		}
	}
	for i, m := range recorded.want(t, 10) {
		if m.Payload[0] != 0xfc || binary.BigEndian.Uint16(m.Payload[1:]) != uint16(3001+i) {
			t.Errorf("packet %d of the recording is %x", i, m.Payload)
		}
	}
	if n := e.Stats().PacketsRestored; n != 1 {
		t.Errorf("%d packets restored", n)
	}
}

// TestLateAfterRestored: the packet itself comes after its copy was sent under its number; it goes to nobody.
func TestLateAfterRestored(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(redLine("0", 600), "sendonly"))
	p.publish("voice", video.Lines{AudioMID: "0"})
	v := newWire(t, e, "s", withDirection(audioLine("a", 0), "recvonly"))
	v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	voice := p.opus(600)
	one, two, three := voice.make(false), voice.make(false), voice.make(false)
	now := e.Now()
	p.push(wrap(one, []byte{0xfc}), now)
	p.push(wrap(three, two.Payload), now)
	if n := sent(e, func() { p.push(wrap(two, one.Payload), now) }); n != 0 {
		t.Fatal("a packet was sent twice, under one number")
	}
	got := v.take(3)
	for i, p := range got {
		if binary.BigEndian.Uint16(p.Payload[1:]) != uint16(3001+i) {
			t.Errorf("packet %d is %x", i, p.Payload)
		}
	}
}

func TestBrokenREDIsDropped(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(redLine("0", 600), "sendonly"))
	p.publish("voice", video.Lines{AudioMID: "0"})
	v := newWire(t, e, "s", withDirection(audioLine("a", 0), "recvonly"))
	v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	voice := p.opus(600)
	for _, payload := range [][]byte{{0xef}, {0xef, 0, 0, 9, 111, 1}, {96, 1, 2}, {0x80}, make([]byte, 1400)} {
		bad := voice.make(false)
		bad.PayloadType, bad.Payload = 63, payload
		voice.seq++ // so that it seems to follow a loss
		p.push(bad, e.Now())
	}
	if n := e.Stats().PacketsSent; n != 0 {
		t.Fatalf("%d packets of what is no RED were sent", n)
	}
	voice.sayRED(1)
	v.take(1)
}

// TestAudioIsSentAgain to clients that negotiated it, in the shape in which it was sent.
func TestAudioIsSentAgain(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(redLine("0", 600), "sendonly"))
	p.publish("voice", video.Lines{AudioMID: "0"})
	plain := audioLine("a", 0)
	plain.formats[0].feedback = []string{"nack"}
	voice := p.opus(600)
	for name, line := range map[string]*offeredLine{"plain": plain, "RED": redLine("a", 0, "nack")} {
		v := newWire(t, e, "s", withDirection(line, "recvonly"))
		v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
		voice.sayRED(5)
		first := v.take(5)
		lost := first[2]
		v.report(e.Now(), &rtcp.TransportLayerNack{MediaSSRC: lost.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost.SequenceNumber})})
		again := v.take(1)[0]
		if again.String() != lost.String() || string(again.Payload) != string(lost.Payload) {
			t.Errorf("%s: %v came again as %v", name, lost, again)
		}
	}
}

func TestREDIsOffered(t *testing.T) {
	for fmtp, want := range map[string]uint8{"111/111": 63, "111": 63, "111/0": 0, "": 0} {
		o, err := parseOffer(strings.ReplaceAll(readOffer(t, "chromium"), "a=fmtp:63 111/111", "a=fmtp:63 "+fmtp))
		if err != nil {
			t.Fatal(err)
		}
		if f := o.lines[0].formats; len(f) != 1 || f[0].red != want {
			t.Errorf("blocks %q: %+v", fmtp, f)
		}
	}
}

// TestOpusIsAskedFor: silence is not sent unless the client wants it so, and stereo is where it says that it has some.
func TestOpusIsAskedFor(t *testing.T) {
	for offered, want := range map[string]string{
		"minptime=10;useinbandfec=1":          "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n",
		"useinbandfec=1;usedtx=0":             "a=fmtp:111 minptime=10;useinbandfec=1\r\n",
		"minptime=10;stereo=1;useinbandfec=1": "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;stereo=1\r\n",
		"usedtx=0;sprop-stereo=1":             "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n",
	} {
		tr, _ := newTransportOf(t, newEngine(t))
		answer, err := tr.Negotiate(t.Context(), strings.ReplaceAll(readOffer(t, "chromium"), "minptime=10;useinbandfec=1", offered))
		if err != nil {
			t.Fatal(err)
		}
		receiving, sending, _ := strings.Cut(answer, "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:2")
		if !strings.Contains(receiving, want) {
			t.Errorf("%q is not answered by %q", offered, want)
		}
		if strings.Contains(sending, "usedtx") || strings.Contains(sending, "stereo=1") {
			t.Errorf("%q: a line that we send on has parameters of one we receive on", offered)
		}
	}
}
