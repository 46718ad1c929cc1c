package sfu

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// layering makes VP8 in three temporal layers as browsers do: 0 2 1 2, four packets a picture at the most.
type layering struct {
	*encoder
	n         int
	tl0       uint8
	syncEvery int // of the pictures of layer 1, how many have the sync bit
}

func (s *layering) temporal() uint8 { return [...]uint8{0, 2, 1, 2}[s.n%4] }

// picture makes the packets of the next picture.
func (s *layering) picture(key bool, packets int) []*rtp.Packet {
	tid := s.temporal()
	sync := tid == 1 && s.n/4%s.syncEvery == 0 || tid == 2 && s.n%4 == 1 && s.n/4%s.syncEvery == 0
	s.n++
	if key {
		s.n, tid, sync = 1, 0, true
	}
	if tid == 0 {
		s.tl0++
	}
	s.timestamp += 3000
	s.encoder.picture = (s.encoder.picture + 1) & 0x7fff
	var out []*rtp.Packet
	for i := range packets {
		s.seq++
		p := &rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: i == packets-1, PayloadType: s.payloadType, SSRC: s.ssrc, SequenceNumber: s.seq, Timestamp: s.timestamp,
		}}
		start, y := byte(0), byte(0)
		if i == 0 {
			start = 0x10
		}
		if sync {
			y = 0x20
		}
		// X, S; I, L, T; a wide picture id; TL0PICIDX; TID and Y
		p.Payload = []byte{0x80 | start, 0xe0, 0x80 | byte(s.encoder.picture>>8), byte(s.encoder.picture), s.tl0, tid<<6 | y}
		if key && i == 0 {
			p.Payload = append(p.Payload, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01)
		} else {
			p.Payload = append(p.Payload, 1, 0, 0)
		}
		p.Payload = append(p.Payload, byte(s.n), byte(s.seq>>8), byte(s.seq))
		out = append(out, p)
	}
	return out
}

func (s *layering) send(pictures int) {
	for range pictures {
		for _, p := range s.picture(false, 2) {
			s.wire.push(p, s.wire.engine.Now())
		}
	}
}

// restrict makes a viewer's forwarder aim at this temporal layer, as an allocator would.
func restrict(v *wire, temporal int8) {
	v.burst(func() {
		for _, f := range v.transport.out.forwarders {
			if f.kind == video.Video {
				f.aim(rung{layer: f.current, temporal: temporal})
			}
		}
	})
}

func newLayering(t *testing.T) (*call, *layering) {
	t.Helper()
	c := newCallOn(t, stillEngine(t)) // a ticker would aim at the wish
	s := &layering{encoder: c.camera, syncEvery: 1}
	return c, s
}

// seamless fails unless the packets are one source of whole VP8 pictures: no hole in numbers, picture ids and base layer counts,
// and nothing refers to what was left out.
func seamless(t *testing.T, packets []*rtp.Packet) {
	t.Helper()
	var before packet.VP8
	for i, p := range packets {
		v, ok := packet.ParseVP8(p.Payload)
		if !ok {
			t.Fatalf("packet %d is no VP8: %x", i, p.Payload)
		}
		if i > 0 {
			last := packets[i-1]
			if p.SequenceNumber != last.SequenceNumber+1 {
				t.Fatalf("packet %d: number %d follows %d", i, p.SequenceNumber, last.SequenceNumber)
			}
			id, tl0 := before.PictureID, before.TL0PicIdx
			if v.Start {
				id = (id + 1) & 0x7fff
				if v.TemporalID == 0 {
					tl0++
				}
				if !last.Marker {
					t.Fatalf("packet %d begins a picture before the last one ended", i)
				}
			}
			if v.PictureID != id || v.TL0PicIdx != tl0 {
				t.Fatalf("packet %d: picture %d, base %d after %d, %d", i, v.PictureID, v.TL0PicIdx, before.PictureID, before.TL0PicIdx)
			}
		}
		before = v
	}
}

func temporals(packets []*rtp.Packet) (out string) {
	for _, p := range packets {
		if v, _ := packet.ParseVP8(p.Payload); v.Start {
			out += string('0' + rune(v.TemporalID))
		}
	}
	return out
}

func (s *layering) key() {
	for _, p := range s.picture(true, 2) {
		s.wire.push(p, s.wire.engine.Now())
	}
}

func TestTemporalLayersAreLeftOut(t *testing.T) {
	c, s := newLayering(t)
	s.key()
	all := c.viewer.take(2)
	expect := func(want string, pictures int) {
		t.Helper()
		s.send(pictures)
		got := c.viewer.take(2 * len(want))
		if temporals(got) != want {
			t.Fatalf("temporal layers %s, want %s", temporals(got), want)
		}
		all = append(all, got...)
	}
	expect("212", 3)
	expect("0212", 4)
	restrict(c.viewer, 1)
	expect("0101", 8)
	restrict(c.viewer, 0)
	expect("00", 8)
	restrict(c.viewer, 2)
	expect("010212", 8)
	seamless(t, all)
	for _, p := range all[len(all)-40:] {
		c.viewer.report(c.engine.Now(), nack(p.SSRC, p.SequenceNumber))
		if again := c.viewer.take(1)[0]; string(again.Payload[2:]) != string(p.Payload) {
			t.Fatalf("packet %d came again as another", p.SequenceNumber)
		}
	}
}

// TestTemporalLayersRiseAtSync: a layer that is taken up begins with a picture that needs only the base layer.
func TestTemporalLayersRiseAtSync(t *testing.T) {
	c, s := newLayering(t)
	s.key()
	s.send(3)
	c.viewer.take(8)
	restrict(c.viewer, 0)
	s.syncEvery = 3
	s.send(4)
	c.viewer.take(2)
	restrict(c.viewer, 2)
	s.send(24)
	if got := temporals(c.viewer.take(2 * 15)); got != "001010102120212" {
		t.Fatalf("temporal layers %s", got)
	}
}

// TestNumbersUnderLoss: with packets lost, overtaken and repaired, what a viewer of the two lower layers gets is as if nobody had
// left anything out: each number once, and no number that never comes but for what was lost for good.
func TestNumbersUnderLoss(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		n := numbering{gaps: make([]gap, rememberedGaps)}
		n.restart(1000, 5, 0)
		type sent struct {
			number uint64
			layer  int
		}
		outgoing := map[uint64]sent{}
		var late []sent
		arrive := func(p sent, newest bool) {
			offset, _, ok := n.place(p.number)
			if !ok {
				return // left out with its picture
			}
			if newest && p.layer == 2 {
				n.skip(p.number, uint16(p.number/3), uint32(p.number/3), true)
				return
			}
			if newest {
				n.next = p.number + 1
			}
			out := p.number + offset
			if other, taken := outgoing[out]; taken {
				t.Fatalf("seed %d: packets %d and %d are both sent as %d", seed, other.number, p.number, out)
			}
			outgoing[out] = p
		}
		for number := uint64(1000); number < 3000; number++ {
			p := sent{number, [...]int{0, 2, 1, 2}[number/3%4]}
			if number > 1000 && random.IntN(10) == 0 {
				late = append(late, p)
				continue
			}
			arrive(p, true)
			for len(late) > 0 && (random.IntN(4) == 0 || number-late[0].number > 60) {
				arrive(late[0], false)
				late = late[1:]
			}
		}
		for _, p := range late {
			arrive(p, p.number >= n.next)
		}
		highest := uint64(0)
		for out := range outgoing {
			highest = max(highest, out)
		}
		if missing := int(highest) - 1005 + 1 - len(outgoing); missing != 0 {
			t.Errorf("seed %d: %d numbers never came", seed, missing)
		}
		last := uint64(0)
		for out := uint64(1005); out <= highest; out++ {
			if outgoing[out].number <= last {
				t.Fatalf("seed %d: packet %d is sent behind %d", seed, outgoing[out].number, last)
			}
			last = outgoing[out].number
		}
	}
}

// TestTemporalLayersUnderLoss: a lost packet of what is forwarded keeps its place; one of what is not leaves no hole.
func TestTemporalLayersUnderLoss(t *testing.T) {
	c, s := newLayering(t)
	s.key()
	s.send(3)
	c.viewer.take(8)
	restrict(c.viewer, 1)
	now := c.engine.Now()
	s.send(4)
	c.viewer.take(4)
	var lost []*rtp.Packet
	var got []*rtp.Packet
	random := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		for _, p := range s.picture(false, 3) {
			if random.IntN(5) == 0 {
				lost = append(lost, p)
				continue
			}
			s.wire.push(p, now)
			if len(lost) > 3 {
				s.wire.push(lost[0], now)
				lost = lost[1:]
			}
		}
	}
	for _, p := range lost {
		s.wire.push(p, now)
	}
	last := s.picture(true, 1)[0]
	s.wire.push(last, now)
	for {
		p := c.viewer.take(1)[0]
		got = append(got, p)
		if len(p.Payload) > 0 && isKey(p) {
			break
		}
	}
	seen := map[uint16]bool{}
	lowest, highest := got[0].SequenceNumber, got[len(got)-1].SequenceNumber
	pictures := map[uint16]byte{}
	for _, p := range got {
		if seen[p.SequenceNumber] {
			t.Fatalf("number %d comes twice", p.SequenceNumber)
		}
		seen[p.SequenceNumber] = true
		if int16(p.SequenceNumber-lowest) < 0 {
			lowest = p.SequenceNumber
		}
		if len(p.Payload) == 0 {
			continue
		}
		v, _ := packet.ParseVP8(p.Payload)
		if v.TemporalID > 1 {
			t.Fatalf("a packet of temporal layer %d was sent", v.TemporalID)
		}
		which := p.Payload[len(p.Payload)-3]
		if other, ok := pictures[v.PictureID]; ok && other != which {
			t.Fatalf("pictures %d and %d share the id %d", other, which, v.PictureID)
		}
		pictures[v.PictureID] = which
	}
	for n := lowest; n != highest; n++ {
		if !seen[n] {
			t.Fatalf("number %d of %d to %d never comes", n, lowest, highest)
		}
	}
}

func TestLadder(t *testing.T) {
	const now = int64(10e9)
	tr := &track{kind: video.Video}
	tr.open.Store(true)
	var layers []*layer
	for i, top := range []int{2, 2, 2} {
		l := &layer{serial: i, width: 1280 >> i, height: 720 >> i}
		l.heard.Store(now)
		l.made.measure(now - 1e9)
		for tid := range top + 1 {
			l.made.count(&onward{temporal: uint8(tid)}, 100_000>>(2*i)>>tid)
		}
		l.made.measure(now)
		layers = append(layers, l)
	}
	tr.order.Store(&layers)
	rungs := tr.ladder(now)
	type step struct {
		layer, width int
		temporal     int8
		bitrate      int64
	}
	var got []step
	for _, r := range rungs {
		got = append(got, step{r.layer.serial, r.width, r.temporal, r.bitrate})
	}
	want := []step{
		{2, 320, 0, 50_000},
		{2, 320, 1, 75_000},
		{2, 320, 2, 87_496},
		{1, 640, 1, 300_000},
		{1, 640, 2, 350_000},
		{0, 1280, 1, 1_200_000},
		{0, 1280, 2, 1_400_000},
	}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("rung %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	layers[0].heard.Store(now - int64(layerSilence))
	if n := len(tr.ladder(now)); n != 5 {
		t.Errorf("%d rungs without the largest layer", n)
	}
	f := &forwarder{kind: video.Video, source: tr, enabled: true, want: video.Subscription{Quality: video.QualityMedium}}
	if i := f.wish(); i != 4 {
		t.Errorf("medium is rung %d", i)
	}
	f.enabled = false
	if i := f.wish(); i != -1 {
		t.Errorf("a picture switched off is rung %d", i)
	}
}
