package sfu

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestSheddingByRank(t *testing.T) {
	for _, tracks := range []int{1, 2, 10, 100, 1000} {
		c := census{last: tracks}
		for level := range allRanks + 1 {
			s := c.shedding(level, 0)
			given := 0
			for track := range allRanks {
				whole := true
				for line := range allRanks {
					if s.line(track, line) {
						given++
					} else {
						whole = false
					}
					if line > 0 && s.line(track, line) && !s.line(track, line-1) {
						t.Fatalf("%d tracks, level %d: line %d of track %d is given up, and not the one before", tracks, level, line, track)
					}
				}
				if s.track(track) != whole {
					t.Fatalf("%d tracks, level %d: is track %d given up as a whole?", tracks, level, track)
				}
			}
			share := float64(given) / (allRanks * allRanks)
			if want := float64(level) / allRanks; share < want-0.13 || share > want+0.13 { // of two tracks, one may be given up before the other begins
				t.Fatalf("%d tracks, level %d: %.2f of the lines are given up", tracks, level, share)
			}
		}
	}
	if (shedding{}).line(0, 0) {
		t.Error("something is given up although nothing need be")
	}
}

func TestCensus(t *testing.T) {
	e := stillEngine(t)
	var c census
	now := int64(clockStart)
	if s := c.shedding(allRanks/2, now); s.spread != allRanks {
		t.Fatalf("a spread of %d before anything was counted", s.spread)
	}
	for range 3 {
		w := newWire(t, e, "s", withDirection(videoLine("1", 500), "sendonly"), withDirection(audioLine("2", 600), "sendonly"))
		for range 2 {
			c.count(w.transport.in.tracks["1"])
			c.count(w.transport.in.tracks["2"])
		}
	}
	if s := c.shedding(allRanks/2, now+censusTime); c.last != 3 || s.spread != allRanks/3 {
		t.Fatalf("%d tracks were counted of 3", c.last)
	}
	if c.shedding(0, now+2*censusTime); c.last != 0 {
		t.Fatalf("%d tracks were counted of none", c.last)
	}
}

// A camera that nobody gets is passed over without being decrypted, for so long that its numbers begin anew twice. Its sender is told of
// no loss, and what comes afterwards is decrypted and seen.
func TestTracksArePassedOver(t *testing.T) {
	e := stillEngine(t)
	line := withDirection(videoLine("1", 500), "sendonly")
	line.extensions = map[string]uint8{extTransportCC: idSequence}
	p := newWire(t, e, "s", line)
	p.publish("stream", video.Lines{VideoMID: "1"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "stream", Video: true})
	camera, now := p.vp8(500), e.Now()
	camera.width, camera.height = 1280, 720
	var number uint16
	send := func(key bool) {
		number++
		camera.extensions = map[uint8]string{idSequence: string([]byte{byte(number >> 8), byte(number)})}
		p.push(camera.make(key), now)
		now += 1e6
	}
	feedback := func() {
		p.burst(func() { p.transport.sendFeedback(now, true, true) })
		f := waitRTCP(p, "transport-wide feedback", func(*rtcp.TransportLayerCC) bool { return true })
		for i, received := range statuses(f) {
			if !received {
				t.Fatalf("packet %d is reported as lost", f.BaseSequenceNumber+uint16(i))
			}
		}
	}
	send(true)
	send(false)
	unbroken(t, v.take(2))

	p.scratch.batch.shedding = shedding{level: allRanks, spread: allRanks}
	broken := p.encrypt
	p.encrypt = testContext(t)
	p.encrypt.SetROC(500, 77) // of other keys than the server thinks, as it were
	for range 10 {
		send(false)
	}
	if n := e.Stats().PacketsUndecryptable; n != 0 {
		t.Fatalf("%d packets of a track that nobody gets were decrypted", n)
	}
	p.encrypt = broken
	for i := range 150_000 {
		send(i%10 == 0)
		if i%100 == 0 {
			feedback()
		}
	}
	if stats := e.Stats(); stats.PacketsUndecryptable != 0 || stats.PacketsSent != 2 || stats.PacketsShed != 150_010 {
		t.Fatalf("%d could not be decrypted, %d were sent, %d shed", stats.PacketsUndecryptable, stats.PacketsSent, stats.PacketsShed)
	}
	if l := p.transport.in.layers[0]; !l.active(now) || l.hasKeyframe(replayPackets) {
		t.Error("the layer counts as not sent, or as one to begin with")
	}
	if r := p.transport.receiverReport(now).Reports[0]; r.TotalLost != 0 {
		t.Errorf("%+v: nothing was lost", r)
	}

	p.scratch.batch.shedding = shedding{}
	send(false)
	send(true)
	send(false)
	got := v.take(2)
	unbroken(t, got)
	if !isKey(got[0]) {
		t.Error("the picture came back without a keyframe")
	}
}

func TestRecordedTracksAreNotPassedOver(t *testing.T) {
	e := stillEngine(t)
	p := newWire(t, e, "s", withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{VideoMID: "1"})
	camera := p.vp8(500)
	var picture tape
	p.transport.Record("stream", nil, &picture)
	camera.frame(true)
	p.scratch.batch.shedding = shedding{level: allRanks, spread: allRanks}
	camera.frames(20)
	picture.want(t, 21)
}

func BenchmarkSkip(b *testing.B) {
	e := newEngine(b)
	e.stop()
	p := newWire(b, e, "s", withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{VideoMID: "1"})
	camera, now := p.vp8(500), e.Now()
	p.push(camera.make(true), now)
	packet := camera.make(false)
	packet.Payload = append(packet.Payload, make([]byte, 1100)...)
	for i := range packet.Payload[20:] {
		packet.Payload[20+i] = byte(rand.Uint32())
	}
	plain, _ := packet.Marshal()
	sealed, err := p.encrypt.EncryptRTP(nil, plain, nil)
	if err != nil {
		b.Fatal(err)
	}
	p.scratch.batch.shedding = shedding{level: allRanks, spread: allRanks}
	b.ReportAllocs()
	for b.Loop() {
		p.transport.receiveRTP(sealed, &p.scratch, now)
	}
}
