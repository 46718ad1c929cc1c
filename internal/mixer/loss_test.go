package mixer

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// phase is that of a tone whose period divides 10 ms, in samples of delay.
func phase(pcm []float32, hertz float64) float64 {
	var re, im float64
	for n, v := range pcm {
		s, c := math.Sincos(2 * math.Pi * hertz * float64(n) / opus.SampleRate)
		re, im = re+c*float64(v), im+s*float64(v)
	}
	return math.Atan2(-re, im) / (2 * math.Pi) * opus.SampleRate / hertz
}

// listen makes frames of one source alone, without mixing.
func (r *rig) listen(t *talker, frames int, each func(frame int, pcm []float32, heard bool)) {
	r.t.Helper()
	pcm := make([]float32, frameSize)
	for n := range frames {
		t.send(r)
		t.deliver(r.now)
		t.source.receive(0)
		heard, err := t.source.play(r.mix.instance, r.now/rigFrameNS*frameSize, true, pcm)
		if err != nil {
			r.t.Fatal(err)
		}
		each(n, pcm, heard)
		r.now += rigFrameNS
	}
}

// Whatever happens on the way, a sample is played as much later than the one before as it was sampled later.
func TestSampleAccurate(t *testing.T) {
	ms := int64(1e6)
	for name, c := range map[string]struct {
		frame int
		way   func(number uint64) (int64, bool)
	}{
		"smooth":        {960, nil},
		"10 ms packets": {480, nil},
		"40 ms packets": {1920, nil},
		"60 ms packets": {2880, nil},
		"reordered":     {960, func(n uint64) (int64, bool) { return int64(n%2) * 25 * ms, false }},
		"jitter":        {960, func(n uint64) (int64, bool) { return int64(n*7919%30) * ms, false }},
		"losses":        {960, func(n uint64) (int64, bool) { return 0, n%7 == 3 }},
		"two in a row":  {960, func(n uint64) (int64, bool) { return 0, n%17 < 2 }},
		"long losses":   {2880, func(n uint64) (int64, bool) { return 0, n%9 == 3 }},
	} {
		r := newRig(t)
		a := r.talks("a", 400, 0.3)
		a.encoder = r.newEncoder(opus.Music)
		if a.frame = c.frame; c.way != nil {
			a.way = c.way
		}
		var first float64
		var off, wrong int
		r.listen(a, 450, func(frame int, pcm []float32, heard bool) {
			switch {
			case frame < 200: // it learns how the network is
			case frame == 200:
				first = phase(pcm, 400)
			default:
				if d := math.Remainder(phase(pcm, 400)-first, 120); math.Abs(d) > 1 {
					off++
				}
				if !heard || strength(pcm, 400) < 0.1 {
					wrong++
				}
			}
		})
		allowed := 0
		if c.way != nil && (name == "two in a row" || name == "long losses") {
			allowed = 50 // what is made up is not the tone exactly
		}
		if off > allowed || wrong > allowed {
			t.Errorf("%s: of 250 frames %d are out of time, %d too quiet", name, off, wrong)
		}
	}
}

// A tenth of the packets lost: the copies in the next ones bring them back.
func TestLossesAreRecovered(t *testing.T) {
	r := newRig(t)
	a, h := r.talks("a", 400, 0.3), r.hears("b")
	random := rand.New(rand.NewPCG(1, 2))
	lost := 0
	a.way = func(n uint64) (int64, bool) {
		gone := n > 150 && random.IntN(10) == 0
		if gone {
			lost++
		}
		return 0, gone
	}
	r.run(400)
	recovered, late := r.engine.counts.Recovered.Load(), r.engine.counts.Late.Load()
	if int(recovered) < lost*7/10 || late > 3 {
		t.Errorf("of %d lost packets %d were recovered, %d came late", lost, recovered, late)
	}
	weak := 0
	heard := h.last(300)
	for at := 0; at < len(heard); at += frameSize {
		if strength(heard[at:at+frameSize], 400) < 0.2 {
			weak++
		}
	}
	if weak > 6 {
		t.Errorf("of 300 frames %d are too quiet", weak)
	}
}

// A sender's clock that is wrong by 100 ppm changes neither the delay nor the sound in an hour.
func TestDrift(t *testing.T) {
	for _, drift := range []float64{100e-6, -100e-6} {
		r := newRig(t)
		a := r.talks("a", 400, 0.3)
		a.drift = drift
		loop := newLoop(r, a)
		var low, high int64 = never, -never
		quiet := 0
		pcm := make([]float32, frameSize)
		for n := range int64(time.Hour / frameTime) {
			loop.deliver(r.now)
			a.source.receive(0)
			heard, err := a.source.play(r.mix.instance, n*frameSize, true, pcm)
			if err != nil {
				t.Fatal(err)
			}
			if n > 100 {
				sampled := int64(float64(r.now-30e6) * (1 + drift) * opus.SampleRate / 1e9)
				lag := sampled - (a.source.head - int64(loop.start)) // in samples of its clock
				low, high = min(low, lag), max(high, lag)
				if !heard || n%50 == 0 && strength(pcm, 400) < 0.28 {
					quiet++
				}
			}
			r.now += rigFrameNS
		}
		c := r.engine.Counts()
		if high-low > 25*millisecond || quiet > 0 || c.Concealed.Load() > 0 || c.Late.Load() > 0 || c.Skipped.Load() > 0 {
			t.Errorf("%+.0f ppm: delay changes by %d ms, %d frames quiet, %d concealed, %d late, %d skipped", drift*1e6,
				(high-low)/millisecond, quiet, c.Concealed.Load(), c.Late.Load(), c.Skipped.Load())
		}
	}
}

// Senders that pause, jump and begin anew are heard again at once.
func TestJumps(t *testing.T) {
	for name, jump := range map[string]func(*talker){
		"pause of 3 s": func(a *talker) { // the next packet is sampled in 3 s
			a.sampled += 150 * frameSize
			a.timestamp += 150 * frameSize
		},
		"timestamp forth":   func(a *talker) { a.timestamp += 1 << 30 },
		"timestamp back":    func(a *talker) { a.timestamp -= 1 << 29 },
		"a little back":     func(a *talker) { a.timestamp -= 7777 },
		"a little forth":    func(a *talker) { a.timestamp += 7777 },
		"numbers anew":      func(a *talker) { a.number = 5 },
		"all anew":          func(a *talker) { a.number, a.timestamp = 1, 17; a.Source.Source(packet.Source{}) },
		"another frame":     func(a *talker) { a.frame = 2880 },
		"way gets longer":   func(a *talker) { a.way = func(uint64) (int64, bool) { return 150e6, false } },
		"way gets very far": func(a *talker) { a.way = func(uint64) (int64, bool) { return 900e6, false } },
	} {
		r := newRig(t)
		a, h := r.talks("a", 400, 0.3), r.hears("b")
		a.encoder = r.newEncoder(opus.Music)
		r.run(100)
		jump(a)
		r.run(300)
		heard := h.last(50)
		for at := 0; at < len(heard); at += frameSize {
			if s := strength(heard[at:at+frameSize], 400); s < 0.25 || s > 0.35 {
				t.Errorf("%s: 5 s later the tone has the amplitude %.3f in frame %d", name, s, at/frameSize)
				break
			}
		}
		if late := r.mix.frame*frameSize - a.source.head - a.source.delay.base(); late > 350*millisecond {
			t.Errorf("%s: 5 s later it is heard %d ms late", name, late/millisecond)
		}
	}
}

// A stall of the network is caught up with, and what waited is not heard for ever later.
func TestStall(t *testing.T) {
	r := newRig(t)
	a, h := r.talks("a", 400, 0.3), r.hears("b")
	a.encoder = r.newEncoder(opus.Music)
	a.way = func(n uint64) (int64, bool) { return max(0, 400e6-int64(n-200)*20e6) * int64(min(1, n/200)), false }
	r.run(500)
	if late := r.mix.frame*frameSize - a.source.head - a.source.delay.target(); late > steerFrom || late < -steerFrom {
		t.Errorf("6 s after a stall the delay is off by %d ms", late/millisecond)
	}
	if s := strength(h.last(50), 400); s < 0.2 {
		t.Errorf("6 s after a stall the tone has the amplitude %.3f", s)
	}
}

// Garbage harms nobody else.
func TestGarbage(t *testing.T) {
	r := newRig(t)
	r.talks("good", 400, 0.3)
	bad, h := r.talks("bad", 700, 0.3), r.hears("listener")
	bad.silent = true
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		m := packet.Media{Codec: packet.CodecOpus, ClockRate: opus.SampleRate, Arrived: r.now, Payload: make([]byte, random.IntN(300))}
		for k := range m.Payload {
			m.Payload[k] = byte(random.Uint32())
		}
		m.Number, m.Timestamp = uint64(i), uint32(i*frameSize)
		if i%10 == 0 {
			m.Number, m.Timestamp = random.Uint64(), random.Uint32()
		}
		if i < 150 {
			bad.Take(&m)
		}
		r.run(1)
	}
	if s := strength(h.last(20), 400); s < 0.25 || s > 0.35 {
		t.Errorf("beside garbage the tone has the amplitude %.3f", s)
	}
}
