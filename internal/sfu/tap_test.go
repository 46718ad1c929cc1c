package sfu

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// tape is a sink that keeps what it takes.
type tape struct {
	mu      sync.Mutex
	sources []packet.Source
	taken   []packet.Media
	off     atomic.Bool // nothing may come any more
	late    atomic.Int32
}

func (k *tape) Source(s packet.Source) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sources = append(k.sources, s)
}

func (k *tape) Take(m *packet.Media) {
	if k.off.Load() {
		k.late.Add(1)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := *m
	kept.Payload = bytes.Clone(m.Payload)
	k.taken = append(k.taken, kept)
}

// rewind returns what was taken since the last time.
func (k *tape) rewind() []packet.Media {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.taken
	k.taken = nil
	return taken
}

func (k *tape) want(t *testing.T, n int) []packet.Media {
	t.Helper()
	taken := k.rewind()
	if len(taken) != n {
		t.Fatalf("%d packets were taken, want %d", len(taken), n)
	}
	return taken
}

// stillEngine does nothing when time passes.
func stillEngine(t *testing.T) *Engine {
	t.Helper()
	e := newEngine(t)
	e.stop()
	return e
}

func TestTapTakesWhatPasses(t *testing.T) {
	e := stillEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
	voice, camera := p.opus(600), p.vp8(500)
	camera.frame(true)
	unasked := func() { (*p.transport.in.tracks["1"].order.Load())[0].asked.Store(0) }
	unasked()
	var sound, picture tape
	asked := e.Stats().KeyframeRequests
	p.transport.Record("stream", &sound, &picture)
	if len(sound.sources) != 1 || len(picture.sources) != 1 {
		t.Fatal("a sink was not told its source once")
	}
	if got := e.Stats().KeyframeRequests; got != asked+1 {
		t.Fatalf("%d keyframes were asked for at the start", got-asked)
	}
	camera.frames(2)
	picture.want(t, 0) // nothing a decoder could start with
	key := camera.make(true)
	arrived := e.Now()
	p.push(key, arrived)
	got := picture.want(t, 1)[0]
	want := packet.Media{
		Codec: packet.CodecVP8, ClockRate: 90000, Number: got.Number, Timestamp: key.Timestamp, Marker: true, Payload: key.Payload,
		Keyframe: true, Width: 640, Height: 360, Arrived: arrived, Sampled: got.Sampled,
	}
	if !bytes.Equal(got.Payload, want.Payload) || uint16(got.Number) != key.SequenceNumber {
		t.Fatalf("took %+v, want %+v", got, want)
	}
	got.Payload, want.Payload = nil, nil
	if !equalMedia(got, want) {
		t.Fatalf("took %+v, want %+v", got, want)
	}
	voice.frame(false)
	if m := sound.want(t, 1)[0]; m.Codec != packet.CodecOpus || m.ClockRate != 48000 || m.Keyframe {
		t.Fatalf("took %+v", m)
	}

	p.transport.SetGate("stream", video.Audio, false)
	p.transport.SetGate("stream", video.Video, false)
	voice.frame(false)
	camera.frame(true)
	sound.want(t, 0)
	picture.want(t, 0)
	unasked()
	asked = e.Stats().KeyframeRequests
	picture.sources[0].Keyframe()
	if e.Stats().KeyframeRequests != asked {
		t.Fatal("a keyframe of what is disabled was asked for")
	}
	p.transport.SetGate("stream", video.Audio, true)
	p.transport.SetGate("stream", video.Video, true)
	voice.frame(false)
	camera.frame(false)
	camera.frame(true)
	sound.want(t, 1)
	if m := picture.want(t, 1)[0]; !m.Keyframe {
		t.Fatal("after the gate opened something other than a keyframe came first")
	}

	lost, after := camera.make(false), camera.make(false)
	p.push(after, e.Now())
	p.push(lost, e.Now()) // it comes late: that is for the sink to put in order
	if m := picture.want(t, 2); m[0].Number != m[1].Number+1 {
		t.Fatalf("numbers %d, %d", m[0].Number, m[1].Number)
	}
	asked = e.Stats().KeyframeRequests
	unasked()
	picture.sources[0].Keyframe()
	picture.sources[0].Keyframe()
	if got := e.Stats().KeyframeRequests; got != asked+1 {
		t.Fatalf("%d keyframes were asked for by the sink, want 1", got-asked)
	}

	p.transport.Record("stream", nil, &picture) // another run, and the sound taken off
	voice.frame(false)
	camera.frame(true)
	sound.want(t, 0)
	picture.want(t, 1)
	p.transport.Record("stream", nil, nil)
	camera.frame(true)
	picture.want(t, 0)
	if len(p.transport.in.taps) != 0 {
		t.Fatal("taps were left over")
	}
	p.transport.Record("another", &sound, &picture)
}

func equalMedia(a, b packet.Media) bool {
	a.Payload, b.Payload = nil, nil
	return a.Codec == b.Codec && a.ClockRate == b.ClockRate && a.Layer == b.Layer && a.Number == b.Number &&
		a.Timestamp == b.Timestamp && a.Marker == b.Marker && a.Keyframe == b.Keyframe && a.Width == b.Width &&
		a.Height == b.Height && a.Arrived == b.Arrived && a.Sampled == b.Sampled && a.Reported == b.Reported
}

func TestTapTakesTheBestLayer(t *testing.T) {
	e := stillEngine(t)
	s := newScene(t, e, "f", "h", "q")
	p := s.publisher
	var k tape
	p.transport.Record("camera", nil, &k)
	now := int64(10e9)
	step := func(key bool, layers ...int) {
		t.Helper()
		now += 33e6
		for _, i := range layers {
			p.push(s.layers[i].make(key), now)
		}
	}
	widths := func(want ...int) {
		t.Helper()
		var got []int
		for _, m := range k.rewind() {
			if m.Keyframe {
				got = append(got, m.Width)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("keyframes of widths %v, want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("keyframes of widths %v, want %v", got, want)
			}
		}
	}
	asked := func(i int) bool {
		t.Helper()
		pli := waitRTCP(p, "a keyframe request", anyPLI)
		return pli.MediaSSRC == uint32(ssrcHigh+i)
	}
	step(true, 2, 1, 0)
	step(false, 2, 1, 0)
	widths() // the best is not known yet
	p.tend(now)
	if taken := k.want(t, 2); taken[0].Width != 1280 || taken[1].Keyframe {
		t.Fatalf("took %+v", taken)
	}

	now += 2e9 // the best falls silent
	step(false, 1, 2)
	p.tend(now)
	if !asked(1) {
		t.Fatal("not the next layer was asked for")
	}
	step(true, 2, 1)
	widths(640)
	step(true, 2)
	step(false, 0) // and comes back
	p.tend(now)
	if !asked(0) {
		t.Fatal("the best layer was not asked for when it came back")
	}
	step(true, 1)
	step(false, 0)
	widths(640) // until its keyframe comes
	step(true, 0)
	step(true, 1, 2)
	widths(1280)

	// The encoder goes on under another SSRC: its numbers have nothing to do with those before.
	serial := k.serial(t, s, &now)
	again := p.vp8(0x2001)
	again.extensions, again.width = s.layers[0].extensions, 1280
	p.push(again.make(true), now+1)
	p.tend(now + 1)
	p.push(again.make(false), now+2)
	if m := k.want(t, 2)[0]; m.Layer == serial || !m.Keyframe {
		t.Fatal("two sources have one layer id")
	}
}

// A client that lets its best layer go before a keyframe of it came is recorded nevertheless.
func TestTapBeginsSmallRatherThanLate(t *testing.T) {
	s := newScene(t, stillEngine(t), "f", "h", "q")
	p := s.publisher
	var k tape
	p.transport.Record("camera", nil, &k)
	now := int64(10e9)
	for _, i := range []int{2, 1, 0} {
		p.push(s.layers[i].make(false), now)
	}
	p.tend(now) // chooses the best
	p.push(s.layers[1].make(true), now+bestWait-1)
	k.want(t, 0)
	p.push(s.layers[1].make(true), now+bestWait)
	if m := k.want(t, 1)[0]; m.Width != 640 {
		t.Fatalf("took %+v", m)
	}
	p.push(s.layers[0].make(true), now+2*bestWait) // it was sent after all
	if m := k.want(t, 1)[0]; m.Width != 1280 {
		t.Fatalf("took %+v", m)
	}

	p.transport.SetGate("camera", video.Video, false)
	p.transport.SetGate("camera", video.Video, true)
	p.push(s.layers[1].make(true), now+10e9) // it waits anew
	k.want(t, 0)
	p.push(s.layers[1].make(true), now+10e9+bestWait)
	k.want(t, 1)
}

// A large keyframe can be broken off by a client that has not the bandwidth. What is recorded goes on meanwhile.
func TestTapChangesLayersWhenAKeyframeIsComplete(t *testing.T) {
	s := newScene(t, stillEngine(t), "f", "h", "q")
	p := s.publisher
	var k tape
	p.transport.Record("camera", nil, &k)
	now := int64(10e9)
	p.push(s.layers[1].make(true), now)
	p.tend(now)
	k.want(t, 1)

	key := s.layers[0].make(true)
	key.Marker = false
	p.push(key, now+33e6)
	p.tend(now + 33e6) // chooses it
	p.push(s.layers[1].make(false), now+33e6)
	if m := k.want(t, 1)[0]; m.Keyframe {
		t.Fatal("took a keyframe that is not complete")
	}
	s.layers[0].make(false) // lost
	p.push(s.layers[0].make(false), now+66e6)
	p.tend(now + 66e6)
	p.push(s.layers[1].make(false), now+66e6)
	if m := k.want(t, 1)[0]; m.Keyframe {
		t.Fatal("took a keyframe with a hole")
	}

	key = s.layers[0].make(true)
	key.Marker = false
	rest := s.layers[0].make(false)
	rest.Timestamp = key.Timestamp
	p.push(rest, now+100e6)
	p.push(s.layers[1].make(false), now+100e6)
	k.want(t, 1)
	p.push(key, now+105e6) // it had been overtaken
	p.push(s.layers[0].make(false), now+106e6)
	if taken := k.want(t, 3); taken[0].Number+1 != taken[1].Number || taken[0].Width != 1280 {
		t.Fatalf("took %+v", taken)
	}
	p.push(s.layers[1].make(false), now+110e6)
	k.want(t, 0)
}

// serial returns the layer id of the next packet of the best layer.
func (k *tape) serial(t *testing.T, s *scene, now *int64) int {
	t.Helper()
	s.publisher.push(s.layers[0].make(false), *now)
	return k.want(t, 1)[0].Layer
}

// A sink that was taken off, by whatever means, is not called any more, though packets go on arriving.
func TestTapIsOff(t *testing.T) {
	for name, end := range map[string]func(*Transport){
		"Record":    func(p *Transport) { p.Record("stream", nil, nil) },
		"SetGate":   func(p *Transport) { p.SetGate("stream", video.Video, false) },
		"Unpublish": func(p *Transport) { p.Unpublish("stream") },
		"Close":     func(p *Transport) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newWire(t, newEngine(t), "s", withDirection(videoLine("1", 500), "sendonly"))
			p.publish("stream", video.Lines{VideoMID: "1"})
			camera := p.vp8(500)
			var k tape
			p.transport.Record("stream", nil, &k)
			var sending sync.WaitGroup
			stop, underway := make(chan struct{}), make(chan struct{})
			var pushed atomic.Int64
			sending.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					camera.frame(n%10 == 0)
					pushed.Add(1)
					if n == 100 {
						close(underway)
					}
				}
			})
			<-underway
			end(p.transport)
			k.off.Store(true)
			before := pushed.Load()
			eventually(t, "more packets", func() bool { return pushed.Load() > before+200 })
			close(stop)
			sending.Wait()
			if len(k.rewind()) == 0 || k.late.Load() != 0 {
				t.Fatalf("%d packets were taken after the end", k.late.Load())
			}
		})
	}
}

// An hour on clocks that run 100 ppm too fast or too slow, with reports and packets that are delayed by up to 80 ms: where the
// sink places sound and picture stays where they were taken, and they stay together.
func TestTapFollowsSkewedClocks(t *testing.T) {
	const (
		second   = int64(time.Second)
		delay    = 20e6 // of the path, at least
		jitter   = 80e6
		farWrong = -3600 * second // of the client's clock
	)
	for name, skew := range map[string]struct{ clock, voice float64 }{
		"fast": {100e-6, 50e-6}, "slow": {-100e-6, -50e-6}, "right": {0, 100e-6},
	} {
		t.Run(name, func(t *testing.T) {
			e := quietEngine(t)
			p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
			p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
			voice, camera := p.opus(600), p.vp8(500)
			var sound, picture tape
			p.transport.Record("stream", &sound, &picture)
			random := rand.New(rand.NewPCG(1, 2))
			late := func() int64 { return delay + int64(random.Float64()*random.Float64()*jitter) }
			start := e.Now()
			// client is the client's clock at a moment of ours, and sampled the RTP time of a clock that has a skew of its own.
			client := func(at int64) uint64 {
				return ntpTime(ntpNanos(e.ntp(at)) + farWrong + int64(float64(at-start)*skew.clock))
			}
			sampled := func(at int64, rate, own float64) uint32 {
				return uint32(int64(float64(at-start) * (1 + skew.clock + own) * rate / 1e9))
			}
			var worst, apart, last int64
			for n := int64(1); n <= 3600; n++ {
				at := start + n*second
				p.report(at+late(), &rtcp.SenderReport{SSRC: 600, NTPTime: client(at), RTPTime: sampled(at, 48000, skew.voice)})
				p.report(at+late(), &rtcp.SenderReport{SSRC: 500, NTPTime: client(at), RTPTime: sampled(at, 90000, 0)})
				at += second / 2
				a, v := voice.make(false), camera.make(true)
				a.Timestamp, v.Timestamp = sampled(at, 48000, skew.voice), sampled(at, 90000, 0)
				p.push(a, at+late())
				p.push(v, at+late())
				heard, seen := sound.want(t, 1)[0], picture.want(t, 1)[0]
				if n == 1 { // the source was not known when the first report came
					continue
				}
				if !heard.Reported || !seen.Reported {
					t.Fatalf("second %d: not on a report", n)
				}
				if heard.Sampled <= last {
					t.Fatalf("second %d: time went back", n)
				}
				last = heard.Sampled
				apart = max(apart, abs(heard.Sampled-seen.Sampled))
				if n > 60 { // until the shortest delay was seen
					worst = max(worst, abs(heard.Sampled-at-delay), abs(seen.Sampled-at-delay))
				}
			}
			t.Logf("sound and picture are at most %v apart, and placed at most %v off", time.Duration(apart), time.Duration(worst))
			if apart > 1e6 || worst > 20e6 {
				t.Error("that is too much")
			}
		})
	}
}

func abs(n int64) int64 { return max(n, -n) }

func TestClockOffsetMovesSlowly(t *testing.T) {
	const second = int64(time.Second)
	var o clockOffset
	o.seen(500, 0)
	if got := o.at(0); got != 500 {
		t.Fatalf("%d after the first report", got)
	}
	o.seen(500-50e6, second) // 50 ms less: 10 ms a second
	if got := o.at(3 * second); got != 500-20e6 {
		t.Fatalf("%d after two seconds", got-500)
	}
	if got := o.at(60 * second); got != 500-50e6 {
		t.Fatalf("%d after a minute", got-500)
	}
	o.seen(500-900e6, 61*second) // too far off to be worked off
	if got := o.at(61 * second); got != 500-900e6 {
		t.Fatalf("%d after a jump", got-500)
	}
	o.seen(500-800e6, 130*second) // what was seen in the bucket before still counts
	if got := o.at(179 * second); got != 500-900e6 {
		t.Fatalf("%d in the next bucket", got-500)
	}
	o.seen(500-800e6, 181*second) // and then no more
	if got := o.at(300 * second); got != 500-800e6 {
		t.Fatalf("%d in the bucket after that", got-500)
	}
	o.seen(77, 600*second) // after a long silence only this
	if got := o.at(600 * second); got != 77 {
		t.Fatalf("%d after a silence", got)
	}
}
