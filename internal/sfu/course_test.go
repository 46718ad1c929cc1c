package sfu

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// course lets events come over two cameras of two layers each and one viewer, and holds what the viewer is sent against what must never be:
// one number of a source with two contents, a packet that does not decrypt, a number nobody expects.
type course struct {
	t          *testing.T
	engine     *Engine
	now        int64
	cameras    [2]*wire
	layers     [4]*encoder // two of each camera
	late       []*rtp.Packet
	lateOf     []*wire
	open       [2]bool
	viewer     *wire
	rtx        bool
	subscribed int // camera
	quality    video.Quality

	sent    uint64
	numbers map[uint32]*packet.Unwrapper
	content map[uint32]map[uint64][]byte // plain packets by source and number
}

var streams = [2]video.StreamID{"one", "two"}

func newCourse(t *testing.T, rtx, numbered bool) *course {
	t.Helper()
	e := stillEngine(t)
	c := &course{
		t: t, engine: e, now: e.Now(), open: [2]bool{true, true}, rtx: rtx, quality: video.QualityHigh,
		numbers: map[uint32]*packet.Unwrapper{}, content: map[uint32]map[uint64][]byte{},
	}
	for i := range c.cameras {
		w := newWire(t, e, "s", simulcastLine("0", "f", "h"))
		w.publish(streams[i], video.Lines{VideoMID: "0"})
		c.cameras[i] = w
		for j, rid := range []string{"f", "h"} {
			l := w.vp8(uint32(0x1000 + 0x10*i + j))
			l.extensions = map[uint8]string{idMID: "0", idRID: rid}
			l.width, l.height = 1280>>j, 720>>j
			c.layers[2*i+j] = l
		}
	}
	lines := receivePair("a", "v")
	if !rtx {
		lines[1].formats[0].rtx = 0
	}
	if numbered {
		withNumbers(lines[1])
	}
	c.viewer = newWire(t, e, "s", lines...)
	c.viewer.subscribe(c.wanted())
	return c
}

func (c *course) wanted() video.Subscription {
	return video.Subscription{StreamID: streams[c.subscribed], Video: true, Quality: c.quality}
}

// event does what two bytes say, and looks at what came of it.
func (c *course) event(what, how byte) {
	c.now += int64(how) * 1e5
	i := int(how) % len(c.layers)
	l := c.layers[i]
	again := false
	switch what % 32 {
	default:
		for range how >> 4 {
			l.wire.push(l.make(false), c.now)
		}
	case 1, 2, 3, 4, 5:
		l.wire.push(l.make(true), c.now)
	case 6:
		c.late, c.lateOf = append(c.late, l.make(how&4 != 0)), append(c.lateOf, l.wire)
	case 7:
		for i, p := range c.late {
			c.lateOf[i].push(p, c.now)
		}
		c.late, c.lateOf = nil, nil
	case 8: // many are lost
		l.seq += uint16(how) * 127
	case 9: // a source goes on under another SSRC, with the same numbers
		l.ssrc += 0x100
		l.seq -= uint16(how >> 2)
	case 10:
		camera := i / 2
		c.open[camera] = !c.open[camera]
		c.cameras[camera].transport.SetGate(streams[camera], video.Video, c.open[camera])
	case 11:
		c.quality = []video.Quality{video.QualityHigh, video.QualityLow}[i&1]
		c.viewer.subscribe(c.wanted())
	case 12:
		c.viewer.transport.Unsubscribe(streams[c.subscribed])
		c.subscribed = i / 2
		c.viewer.subscribe(c.wanted())
	case 13:
		for _, w := range c.cameras {
			if w.scratch.batch != nil {
				w.scratch.batch.shedding = shedding{level: int(how&1) * allRanks, spread: allRanks}
			}
		}
	case 14, 16, 17:
		c.now += 100e6
		b := newBatch(c.engine)
		for _, w := range append(c.cameras[:], c.viewer) {
			_, _ = w.transport.tick(b, nil, c.now, true, false)
		}
		b.flush()
	case 15, 18, 19:
		again = true
		f := c.viewer.transport.out.forwarders[1]
		c.now += resendInterval
		seqs := make([]uint16, 17)
		for n := range seqs {
			seqs[n] = uint16(f.last) - uint16(how>>2)*uint16(n)
		}
		c.viewer.report(c.now, nack(f.ssrc, seqs...))
	}
	c.look(again)
}

// look takes what the viewer was sent.
func (c *course) look(again bool) {
	c.t.Helper()
	f := c.viewer.transport.out.forwarders[1]
	sent := c.engine.Stats().PacketsSent
	for _, p := range c.viewer.take(int(sent - c.sent)) {
		plain, err := p.Marshal()
		if err != nil {
			c.t.Fatal(err)
		}
		if p.SSRC != f.ssrc && p.SSRC != f.rtx {
			c.t.Fatalf("a packet of source %d", p.SSRC)
		}
		u := c.numbers[p.SSRC]
		if u == nil {
			u, c.content[p.SSRC] = &packet.Unwrapper{}, map[uint64][]byte{}
			c.numbers[p.SSRC] = u
		}
		highest, started := u.Highest()
		number := u.Unwrap(p.SequenceNumber)
		before := c.content[p.SSRC][number]
		if before != nil && (!bytes.Equal(before, plain) || !again) {
			c.t.Fatalf("number %d of %d again: %x was %x", number, p.SSRC, plain, before)
		}
		if started && number > highest+longestGap {
			c.t.Fatalf("number %d follows %d", number, highest)
		}
		c.content[p.SSRC][number] = plain
		if p.SSRC == f.rtx && c.rtx {
			c.repairs(f, p, number)
		}
	}
	c.sent = sent
}

// repairs holds a retransmission against what was sent first.
func (c *course) repairs(f *forwarder, p *rtp.Packet, number uint64) {
	c.t.Helper()
	original := *c.numbers[f.ssrc]
	first := c.content[f.ssrc][original.Unwrap(binary.BigEndian.Uint16(p.Payload))]
	var was rtp.Packet
	if first == nil || was.Unmarshal(first) != nil || was.Timestamp != p.Timestamp || !bytes.Equal(was.Payload, p.Payload[2:]) {
		c.t.Fatalf("retransmission %d repairs with %x what was %x", number, p.Payload, first)
	}
}

func (c *course) run(events []byte) {
	for ; len(events) >= 2; events = events[2:] {
		c.event(events[0], events[1])
	}
}

func FuzzCourse(f *testing.F) {
	random := rand.NewChaCha8([32]byte{3})
	for n := range 24 {
		events := make([]byte, 801)
		_, _ = random.Read(events)
		events[0] = byte(n)
		f.Add(events)
	}
	f.Fuzz(func(t *testing.T, events []byte) {
		if len(events) == 0 || len(events) > 4000 {
			return
		}
		newCourse(t, events[0]&1 == 0, events[0]&2 == 0).run(events[1:])
	})
}
