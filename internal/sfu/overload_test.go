package sfu

import (
	"fmt"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Whatever a reader is confined by, it gets through nearly as much as one that sheds nothing and lets the kernel drop, and what it sends
// was not late.
func TestOverloadDelivers(t *testing.T) {
	const ms = 1e6
	for name, c := range map[string]struct {
		rate          float64
		tracks, lines int
		period, share int64
		mostLate      int64
	}{
		"a core":                  {60_000, 10, 10, 0, 0, 100 * ms},
		"a core, one publisher":   {15_000, 1, 50, 0, 0, 200 * ms},
		"a tenth, in 10 ms":       {7_300, 10, 10, 10 * ms, 1 * ms, 300 * ms},
		"a tenth, in 100 ms":      {7_300, 10, 10, 100 * ms, 10 * ms, 400 * ms},
		"half, in 100 ms":         {30_000, 10, 10, 100 * ms, 50 * ms, 250 * ms},
		"a tenth, one publisher":  {1_600, 1, 50, 10 * ms, 1 * ms, 500 * ms},
		"twice what a core takes": {100_000, 20, 10, 0, 0, 100 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			strains := [2]*strain{}
			for i := range strains {
				s := newStrain(c.rate, c.tracks, c.lines)
				s.period, s.share, s.blind = c.period, c.share, i == 1
				strains[i] = s
				s.run(5e9)
			}
			s := strains[0]
			drops := s.drops
			sent, most := s.run(20e9), strains[1].run(20e9)
			if float64(sent) < 0.93*float64(most) {
				t.Errorf("%.2f of what could be sent was", float64(sent)/float64(most))
			}
			if s.longest > c.mostLate {
				t.Errorf("a packet was %d ms late", s.longest/ms)
			}
			if n := float64(s.drops-drops) / (20 * c.rate); n > 0.002 {
				t.Errorf("the kernel dropped %.4f", n)
			}
			s.rate /= 4
			s.run(12e9)
			if s.shed != 0 {
				t.Errorf("%d is shed although the load went", s.shed)
			}
		})
	}
}

// Pauses that others make, or a quota, are no overload as long as what waits is caught up with.
func TestPausesAreNoOverload(t *testing.T) {
	for _, c := range [][2]int64{{0, 0}, {10e6, 2e6}, {100e6, 20e6}} {
		s := newStrain(7_300, 10, 10)
		s.period, s.share = c[0], c[1]
		for range 30 {
			if s.run(1e9); s.shed != 0 {
				t.Fatalf("quota %v: %d is shed", c, s.shed)
			}
		}
	}
}

func TestBusyShare(t *testing.T) {
	s := newStrain(60_000, 10, 10)
	s.run(10e9)
	if share := s.busyShare(s.now); share < 0.85 || s.shedShare(s.now) == 0 {
		t.Errorf("busy %.2f, shedding %.2f", share, s.shedShare(s.now))
	}
	s.rate = 20_000
	s.run(30e9)
	if share := s.busyShare(s.now); share < 0.3 || share > 0.7 || s.shedShare(s.now) != 0 {
		t.Errorf("busy %.2f, shedding %.2f at a third of the load", share, s.shedShare(s.now))
	}
}

// When the load went, everything is back soon, and whoever comes is let in, also where pictures come all at once and make nothing but
// whole bursts. That they do is no reason to give anything up again.
func TestOverloadIsOverSoon(t *testing.T) {
	for _, frame := range []int{20, 200, 350, 640} {
		for _, over := range []float64{1.5, 4} {
			t.Run(fmt.Sprint(frame, " ", over), func(t *testing.T) {
				t.Parallel()
				const capacity = 50_000
				s := newStrain(over*capacity, 10, 10)
				s.frame = frame
				s.run(8e9)
				if s.shed == 0 {
					t.Fatal("there is no overload")
				}
				s.rate, s.next = 0.3*capacity, float64(s.now)
				went := s.now
				for s.run(1e8); s.shed > 0 || s.busyShare(s.now) > roomToJoin; s.run(1e8) {
					if s.now-went > 8e9 {
						t.Fatalf("after %d ms %d is shed, busy %.2f", (s.now-went)/1e6, s.shed, s.busyShare(s.now))
					}
				}
				for range 20 {
					if s.run(1e9); s.shed > 0 {
						t.Fatalf("after %d ms %d is shed again", (s.now-went)/1e6, s.shed)
					}
				}
			})
		}
	}
}

// Those who made the load may all go at once, and nothing comes any more.
func TestLoadEndsWithTheTraffic(t *testing.T) {
	s := newStrain(60_000, 10, 10)
	s.run(3e9)
	if s.shedShare(s.now) == 0 || s.busyShare(s.now) == 0 {
		t.Fatal("there is no load")
	}
	s.idle(s.now)
	s.now += loadHolds + 1e9
	if s.shedShare(s.now) != 0 || s.busyShare(s.now) != 0 {
		t.Errorf("shedding %.2f, busy %.2f, though nothing comes", s.shedShare(s.now), s.busyShare(s.now))
	}
	if s.begin(s.now); s.shed != 0 {
		t.Errorf("%d is shed as the traffic begins anew", s.shed)
	}
}

// What is shed is video of low ranks; sound goes on, and so does the video of others, and it comes back with a keyframe.
func TestShedding(t *testing.T) {
	e := stillEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
	voice, camera := p.opus(600), p.vp8(500)
	var viewers [2]*wire
	for i, rank := range []int{10, 200} {
		v := newWire(t, e, "s", receivePair("a", "v")...)
		v.subscribe(video.Subscription{StreamID: "stream", Audio: true, Video: true})
		for _, f := range v.transport.out.forwarders {
			if f.kind == video.Video {
				f.shedRank = rank
			}
		}
		viewers[i] = v
	}
	both := func(key bool) { camera.frame(key); voice.frame(false) }
	var sent uint64
	counts := func(low, high int) [2][]*rtp.Packet {
		t.Helper()
		sent += uint64(low + high)
		if n := e.Stats().PacketsSent; n != sent {
			t.Fatalf("%d packets were sent, want %d", n, sent)
		}
		return [2][]*rtp.Packet{viewers[0].take(low), viewers[1].take(high)}
	}
	both(true)
	counts(2, 2)
	p.scratch.batch.shedding = shedding{level: 100, spread: allRanks}
	both(false)
	both(true)
	for _, packet := range counts(2, 4)[0] {
		if packet.PayloadType == 96 {
			t.Fatal("video of a low rank was sent")
		}
	}
	asked := e.Stats().KeyframeRequests
	for i, want := range []uint64{0, 1} {
		picture := viewers[i].transport.out.forwarders[1]
		picture.current.asked.Store(0)
		viewers[i].report(e.Now(), &rtcp.PictureLossIndication{MediaSSRC: picture.ssrc})
		if n := e.Stats().KeyframeRequests - asked; n != want {
			t.Errorf("%d keyframes were asked for after viewer %d wanted one, want %d", n, i, want)
		}
	}
	if shed := e.Stats().PacketsShed; shed != 2 {
		t.Errorf("%d packets were counted as shed", shed)
	}
	p.scratch.batch.shedding = shedding{}
	both(false)
	counts(1, 2) // video waits for a keyframe
	both(true)
	for _, packet := range counts(2, 2)[0] {
		if packet.PayloadType == 96 && !isKey(packet) {
			t.Error("video came back without a keyframe")
		}
	}
}

func TestNobodyIsLetInUnderLoad(t *testing.T) {
	e := quietEngine(t)
	l := &e.readers[len(e.readers)-1].load
	join := func(want video.Code) {
		t.Helper()
		tr, err := e.NewTransport(TransportConfig{Session: "s", Updates: newWatcher()})
		if (err == nil) != (want == "") || err != nil && video.CodeOf(err) != want {
			t.Errorf("busy %.2f, shedding %.2f: %v", e.Stats().Busy, e.Stats().Shedding, err)
		}
		if err == nil {
			tr.Close()
		}
	}
	busy := func(share float64) {
		now := e.Now()
		l.window, l.busy, l.since = now-loadMemory, int64(share*loadMemory), 0
		l.look(now)
	}
	join("")
	busy(roomToJoin - 0.01)
	join("")
	busy(roomToJoin + 0.01)
	join(video.CodeOverloaded)
	busy(0)
	l.turn(1, e.Now())
	join(video.CodeOverloaded)
	l.turn(0, e.Now())
	join("")
	if n := e.Stats().ConnectionsRefused; n != 2 {
		t.Errorf("%d were counted as refused", n)
	}
}
