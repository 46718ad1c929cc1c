package sfu

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	idDepends       = 5  // of the publisher
	idDependsViewer = 11 // of the viewer
	ssrcLayered     = 900
)

// layered is a camera that sends two sizes in two temporal layers as one source: every picture has a frame of each size, of two
// packets. The sizes need each other at keyframes only.
type layered struct {
	codec codecName
	wire  *wire
	seq   uint16
	time  uint32
	frame uint16 // also the VP9 picture id
	tl0   uint8
	upper bool // the next picture is of the upper temporal layer
	small bool // only the small size is sent
	of    *packettest.Structure
}

func layeredLine(mid string, codec codecName, id uint8) *offeredLine {
	l := videoLine(mid, 0)
	l.formats = []format{{codec: codec, payloadType: 45, rtx: 46, clockRate: 90000, feedback: []string{"nack"}}}
	l.extensions = map[string]uint8{extDependency: id}
	return l
}

// newLayered is such a camera and a viewer, without a ticker.
func newLayered(t *testing.T, codec codecName) (*layered, *wire) {
	t.Helper()
	e := stillEngine(t)
	line := withDirection(layeredLine("0", codec, idDepends), "sendonly")
	line.ssrc = ssrcPair{media: ssrcLayered}
	p := newWire(t, e, "session", line)
	p.publish("camera", video.Lines{VideoMID: "0"})
	viewer := newWire(t, e, "session", withDirection(audioLine("a", 0), "recvonly"), withDirection(layeredLine("v", codec, idDependsViewer), "recvonly"))
	viewer.subscribe(video.Subscription{StreamID: "camera", Video: true})
	return &layered{codec: codec, wire: p, seq: 7000, time: 1 << 31, frame: 65000, of: packettest.L2T2Key()}, viewer
}

// picture makes the packets of the next picture.
func (s *layered) picture(key bool) (out []*rtp.Packet) {
	temporal := 0
	if key {
		s.upper = false
	}
	if s.upper {
		temporal = 1
	} else {
		s.tl0++
	}
	s.upper = !s.upper
	s.time += 3000
	sizes := 2
	if s.small {
		sizes = 1
	}
	if s.codec == vp9 {
		s.frame++
	}
	for size := range sizes {
		if s.codec == av1 {
			s.frame++
		}
		for part := range 2 {
			s.seq++
			p := &rtp.Packet{Header: rtp.Header{
				Version: 2, Marker: size == sizes-1 && part == 1, PayloadType: 45, SSRC: ssrcLayered, SequenceNumber: s.seq, Timestamp: s.time,
			}}
			if s.codec == av1 {
				s.describe(p, key, size, temporal, part)
			} else {
				s.head(p, key, size, temporal, part)
			}
			// What it is, so that a test can tell.
			p.Payload = append(p.Payload, byte(size), byte(temporal), byte(s.frame>>8), byte(s.frame), byte(part))
			out = append(out, p)
		}
	}
	if s.codec == av1 && s.small {
		s.frame++
	}
	return out
}

// describe makes an AV1 packet, of which only the descriptor matters.
func (s *layered) describe(p *rtp.Packet, key bool, size, temporal, part int) {
	template := 3*size + 1 + temporal
	if key {
		template = 3 * size
	}
	d := packettest.Descriptor{
		Start: part == 0, End: part == 1, Template: template, Frame: s.frame, Of: s.of, Structure: key && size == 0 && part == 0,
	}
	if err := p.SetExtension(idDepends, d.Bytes()); err != nil {
		s.wire.t.Fatal(err)
	}
	p.Payload = []byte{0x10}
	if key && size == 0 && part == 0 {
		p.Payload[0] |= 0x08
	}
}

// head makes the payload descriptor of a VP9 packet, and of a keyframe the frame header.
func (s *layered) head(p *rtp.Packet, key bool, size, temporal, part int) {
	first := byte(0xa0) // I, L
	if !key {
		first |= 0x40 // P
	}
	if part == 0 {
		first |= 0x08
	} else {
		first |= 0x04
	}
	if size == 1 || !key {
		first |= 0x01 // Z
	}
	begins := key && size == 0 && part == 0
	if begins {
		first |= 0x02
	}
	d := byte(0)
	if key && size == 1 {
		d = 1
	}
	p.Payload = []byte{first, 0x80 | byte(s.frame>>8)&0x7f, byte(s.frame), byte(temporal)<<5 | 0x10 | byte(size)<<1 | d, s.tl0}
	if begins {
		p.Payload = append(p.Payload, 1<<5|0x10)
		for _, side := range []uint16{320, 180, 640, 360} {
			p.Payload = binary.BigEndian.AppendUint16(p.Payload, side)
		}
		p.Payload = append(p.Payload, 0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30)
	}
}

func (s *layered) send(key bool, pictures int) {
	for range pictures {
		for _, p := range s.picture(key) {
			s.wire.push(p, s.wire.engine.Now())
		}
		key = false
	}
}

// layers names what came, picture for picture: "L0" is the frame of the large size and the lower temporal layer; those of one picture
// are joined by a plus.
func layersOf(packets []*rtp.Packet) (out []string) {
	last := uint32(0)
	for _, p := range packets {
		mark := p.Payload[len(p.Payload)-5:]
		if mark[4] != 0 {
			continue
		}
		name := fmt.Sprintf("%c%d", "SL"[mark[0]], mark[1])
		if p.Timestamp == last && len(out) > 0 {
			out[len(out)-1] += "+" + name
		} else {
			out = append(out, name)
		}
		last = p.Timestamp
	}
	return out
}

// aimAt makes a viewer's forwarder aim at these layers.
func aimAt(v *wire, spatial, temporal int8) {
	v.burst(func() {
		for _, f := range v.transport.out.forwarders {
			if f.kind == video.Video {
				f.aim(rung{layer: f.current, spatial: spatial, temporal: temporal})
			}
		}
	})
}

// lacks reports whether a viewer's forwarder needs a keyframe for what it aims at.
func lacks(v *wire) (lacks bool) {
	v.burst(func() {
		for _, f := range v.transport.out.forwarders {
			lacks = lacks || f.lacks() != nil
		}
	})
	return lacks
}

// whole fails unless the packets are one source: numbers without a hole, whole pictures, each with the marker at its end and only
// there, and the frames' numbers as far apart as they were.
func (s *layered) whole(t *testing.T, packets []*rtp.Packet) {
	t.Helper()
	for i, p := range packets {
		if i == 0 {
			continue
		}
		last := packets[i-1]
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("packet %d: number %d follows %d", i, p.SequenceNumber, last.SequenceNumber)
		}
		if last.Marker != (last.Timestamp != p.Timestamp) {
			t.Fatalf("packet %d: marker %v, but the next is of time %d after %d", i-1, last.Marker, p.Timestamp, last.Timestamp)
		}
		if got, want := s.number(t, p)-s.number(t, last), original(p)-original(last); got != want {
			t.Fatalf("packet %d: the frame is %d after the last one, it was %d", i, got, want)
		}
	}
}

func original(p *rtp.Packet) uint16 { return binary.BigEndian.Uint16(p.Payload[len(p.Payload)-3:]) }

// number returns the number of the packet's frame as the viewer sees it.
func (s *layered) number(t *testing.T, p *rtp.Packet) uint16 {
	t.Helper()
	if s.codec == vp9 {
		v, ok := packet.ParseVP9(p.Payload)
		if !ok {
			t.Fatalf("no VP9: %x", p.Payload)
		}
		return v.PictureID
	}
	d := p.GetExtension(idDependsViewer)
	if len(d) < 3 {
		t.Fatalf("a packet without dependency descriptor: %+v", p.Header)
	}
	return binary.BigEndian.Uint16(d[1:])
}

func TestLayersOfOneSource(t *testing.T) {
	for name, codec := range map[string]codecName{"VP9": vp9, "AV1": av1} {
		t.Run(name, func(t *testing.T) {
			s, v := newLayered(t, codec)
			if codec == vp9 {
				s.frame = 100 // picture ids have 15 bits
			}
			var all []*rtp.Packet
			expect := func(key bool, want ...string) {
				t.Helper()
				s.send(key, 4)
				packets := 0
				for _, picture := range want {
					packets += 2 * ((len(picture) + 1) / 3)
				}
				got := v.take(packets)
				if layers := layersOf(got); !slices.Equal(layers, want) {
					t.Fatalf("got %v, want %v", layers, want)
				}
				all = append(all, got...)
			}
			expect(true, "S0+L0", "L1", "L0", "L1")
			rungs := s.wire.transport.all[0].track.ladder(s.wire.engine.Now())
			var sizes []string
			for _, r := range rungs {
				sizes = append(sizes, fmt.Sprint(r.spatial, r.temporal, r.width, r.height))
			}
			if want := []string{"0 0 320 180", "0 1 320 180", "1 0 640 360", "1 1 640 360"}; !slices.Equal(sizes, want) {
				t.Fatalf("the ladder is %v", sizes)
			}
			aimAt(v, 1, 0)
			expect(false, "L0", "L0")
			if lacks(v) {
				t.Fatal("a keyframe is wanted for fewer pictures")
			}
			aimAt(v, 1, 1)
			expect(false, "L0", "L1", "L0", "L1")
			aimAt(v, 0, 1)
			expect(false, "L0", "L1", "L0", "L1") // no frame of the small size can be decoded
			if !lacks(v) {
				t.Fatal("no keyframe is wanted for the small size")
			}
			expect(true, "S0", "S1", "S0", "S1")
			if lacks(v) {
				t.Fatal("a keyframe is wanted for nothing")
			}
			aimAt(v, 1, 1)
			if !lacks(v) {
				t.Fatal("no keyframe is wanted for the large size")
			}
			expect(false, "S0", "S1", "S0", "S1")
			expect(true, "S0+L0", "L1", "L0", "L1")
			s.whole(t, all)
			for _, p := range all[len(all)-30:] {
				v.report(v.engine.Now(), nack(p.SSRC, p.SequenceNumber))
				again := v.take(1)[0]
				if string(again.Payload[2:]) != string(p.Payload) || again.Marker != p.Marker || codec == av1 && s.number(t, again) != s.number(t, p) {
					t.Fatalf("packet %d came again as another", p.SequenceNumber)
				}
			}
			s.small = true
			aimAt(v, 0, 1)
			expect(true, "S0", "S1", "S0", "S1")
			// After a pause the numbers go on where they were.
			s.wire.transport.SetGate("camera", video.Video, false)
			s.send(false, 5)
			s.frame += 3000
			s.wire.transport.SetGate("camera", video.Video, true)
			before := s.number(t, all[len(all)-1])
			s.send(true, 1)
			next := v.take(2)
			if got := s.number(t, next[0]) - before; got != 1 || next[0].SequenceNumber != all[len(all)-1].SequenceNumber+1 {
				t.Fatalf("after a pause the frame is %d on, number %d after %d", got, next[0].SequenceNumber, all[len(all)-1].SequenceNumber)
			}
		})
	}
}

// TestLayersUnderLoss: what is lost of the size that is forwarded keeps its place, and is sent on when it comes after all; what is lost
// of the other leaves no hole for long.
func TestLayersUnderLoss(t *testing.T) {
	s, v := newLayered(t, av1)
	s.send(true, 2)
	v.take(6)
	aimAt(v, 0, 1)
	s.send(true, 1)
	v.take(2)
	now := s.wire.engine.Now()
	var late []*rtp.Packet
	for range 6 {
		for i, p := range s.picture(false) {
			if i == 0 || i == 3 { // the first of the small size, the last of the large
				late = append(late, p)
				continue
			}
			s.wire.push(p, now)
		}
	}
	for _, p := range late {
		s.wire.push(p, now)
	}
	s.send(false, 1)
	got := v.take(6*2 + 5 + 2) // the small frames whole, and something in the place of what was lost of the large between them
	seen := map[uint16]*rtp.Packet{}
	for _, p := range got {
		if seen[p.SequenceNumber] != nil {
			t.Fatalf("number %d comes twice", p.SequenceNumber)
		}
		seen[p.SequenceNumber] = p
	}
	frames := map[uint16]int{}
	for _, p := range got {
		if len(p.Payload) == 0 {
			continue
		}
		if p.Payload[len(p.Payload)-5] != 0 {
			t.Fatal("a frame of the large size was sent")
		}
		frames[original(p)]++
	}
	for frame, packets := range frames {
		if packets != 2 {
			t.Fatalf("%d packets came of frame %d", packets, frame)
		}
	}
	if len(frames) != 7 || len(seen) != len(got) {
		t.Fatalf("%d frames, %d packets", len(frames), len(got))
	}
}

// TestStructureWithoutALayerInUse: whatever structure a publisher tells of in the midst of a frame, its packets are forwarded or not, and
// no more comes of it.
func TestStructureWithoutALayerInUse(t *testing.T) {
	s, v := newLayered(t, av1)
	s.send(true, 1)
	v.take(4)
	aimAt(v, 0, 0)
	key := s.picture(true)
	s.wire.push(key[0], s.wire.engine.Now())
	v.take(1)
	above := &packettest.Structure{Templates: []packettest.Template{{Spatial: 0, Targets: "-"}, {Spatial: 1, Targets: "S"}}}
	d := packettest.Descriptor{End: true, Template: 1, Frame: s.frame - 1, Of: above, Structure: true}
	if err := key[1].SetExtension(idDepends, d.Bytes()); err != nil {
		t.Fatal(err)
	}
	s.wire.push(key[1], s.wire.engine.Now())
	if got := v.take(1)[0]; got.Marker {
		t.Error("the picture ends with a frame of no target")
	}
}

// TestDescriptorIsSentAgainAsItWas: a publisher that numbers the extension otherwise on a later line changes nothing of what was sent, as
// one number of SRTP must not have two contents.
func TestDescriptorIsSentAgainAsItWas(t *testing.T) {
	for name, id := range map[string]struct{ first, later uint8 }{"another number": {idDepends, idDepends + 1}, "a number at last": {0, idDepends}} {
		t.Run(name, func(t *testing.T) {
			e := stillEngine(t)
			line := withDirection(layeredLine("0", av1, id.first), "sendonly")
			line.ssrc = ssrcPair{media: ssrcLayered}
			p := newWire(t, e, "session", line)
			p.publish("camera", video.Lines{VideoMID: "0"})
			receive := withDirection(layeredLine("v", av1, idDependsViewer), "recvonly")
			receive.formats[0].rtx = 0
			viewer := newWire(t, e, "session", withDirection(audioLine("a", 0), "recvonly"), receive)
			viewer.subscribe(video.Subscription{StreamID: "camera", Video: true})
			s := &layered{codec: av1, wire: p, of: packettest.L2T2Key()}
			s.send(true, 1)
			sent := viewer.take(4)[1]
			first, err := sent.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			p.offer(withDirection(layeredLine("1", av1, id.later), "sendonly"))
			viewer.report(viewer.engine.Now(), nack(sent.SSRC, sent.SequenceNumber))
			if again, err := viewer.take(1)[0].Marshal(); err != nil || string(again) != string(first) {
				t.Errorf("sent was % x, and then % x", first, again)
			}
		})
	}
}
