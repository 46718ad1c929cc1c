package sfu

import (
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// strain drives a load with bursts of a size, each giving rise to ten packets for each datagram, on invented time.
type strain struct {
	load
	now     int64
	waiting func() int
}

func (s *strain) bursts(n, datagrams int, idle bool) {
	for range n {
		s.begin(s.now)
		s.did(datagrams, 10*datagrams, s.now, s.waiting)
		s.now += 1e6
		if idle {
			s.idle(s.now)
			s.now += 1e6
		}
	}
}

func TestLoadShedsWhileBurstsAreWhole(t *testing.T) {
	s := &strain{now: clockStart, waiting: func() int { return 1 << 20 }}
	s.bursts(40_000, burstPackets-1, false) // never idle, and yet nothing is left behind
	if s.shed != 0 {
		t.Fatalf("%d is shed though the reader keeps up", s.shed)
	}
	if share := s.busyShare(s.now); share < 0.99 {
		t.Errorf("busy %.2f of the time", share)
	}
	perBurst := 11 * burstPackets
	s.bursts(workBeforeShedding/perBurst+workBetweenSteps/perBurst, burstPackets, false)
	if s.shed != 0 {
		t.Fatal("a short pause was taken for overload")
	}
	s.bursts(2, burstPackets, false)
	if s.shed != shedStep || s.shedShare(s.now) != float64(shedStep)/allRanks {
		t.Fatalf("%d is shed after the first step", s.shed)
	}
	s.bursts(100_000, burstPackets, false)
	if s.shed != allRanks {
		t.Fatalf("%d is shed at last, want all", s.shed)
	}

	s.bursts(400, burstPackets/2, true) // 0.8 s
	if s.shed != allRanks {
		t.Fatal("pictures came back at once")
	}
	turned := s.now
	for s.shed == allRanks && s.now-turned < 10e9 {
		s.bursts(1, burstPackets/2, true)
	}
	if s.shed != allRanks-takeBackStep {
		t.Fatalf("%d is shed after %d ms of keeping up", s.shed, (s.now-turned)/1e6)
	}
	s.bursts(100_000, burstPackets/2, true)
	if s.shed != 0 {
		t.Fatalf("%d is shed for ever", s.shed)
	}
	if share := s.busyShare(s.now); share < 0.45 || share > 0.55 {
		t.Errorf("busy %.2f of the time, want half", share)
	}
	if s.busyShare(s.now+loadHolds+1) != 0 {
		t.Error("a share is believed although nothing came since")
	}
}

func TestLightLoadEndsSheddingSoon(t *testing.T) {
	s := &strain{now: clockStart}
	s.begin(s.now)
	s.turn(allRanks, s.now)
	for range 10_000 { // 30 s, a third of them busy
		s.bursts(1, 1, true)
		s.now += 1e6
	}
	if s.shed != 0 {
		t.Errorf("%d is shed after 30 s of light load", s.shed)
	}
}

// Those who made the load may all go at once, and nothing comes any more.
func TestLoadEndsWithTheTraffic(t *testing.T) {
	s := &strain{now: clockStart, waiting: func() int { return 1 << 20 }}
	s.bursts(10_000, burstPackets, false)
	if s.shedShare(s.now) == 0 || s.busyShare(s.now) == 0 {
		t.Fatal("there is no load")
	}
	s.idle(s.now)
	s.now += loadHolds + 1e9
	if s.shedShare(s.now) != 0 || s.busyShare(s.now) != 0 {
		t.Errorf("shedding %.2f, busy %.2f, though nothing comes", s.shedShare(s.now), s.busyShare(s.now))
	}
	s.bursts(1, burstPackets, true)
	if s.shed != 0 {
		t.Errorf("%d is shed as the traffic begins anew", s.shed)
	}
}

// After a long pause of the process there is much to do, and nothing but whole bursts, but less and less waits.
func TestLoadCatchesUp(t *testing.T) {
	waits := 4e6
	s := &strain{now: clockStart, waiting: func() int { waits *= 0.85; return int(waits) }}
	s.bursts(80, burstPackets, false)
	if s.shed != 0 {
		t.Errorf("%d is shed while it catches up", s.shed)
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
				f.rank = rank
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
	p.scratch.batch.shedding = 100
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
	p.scratch.batch.shedding = 0
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
