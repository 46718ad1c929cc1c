package mixer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// The tone in which time is measured has a period of 100 samples, which no frame is a multiple of.
const (
	period  = 100
	measure = 9 * period // of each frame
	hertz   = opus.SampleRate / float64(period)
)

// phase is that of the tone, in samples of its period.
func phase(pcm []float32) float64 {
	var re, im float64
	for n, v := range pcm[:measure] {
		s, c := math.Sincos(2 * math.Pi * hertz * float64(n) / opus.SampleRate)
		re, im = re+c*float64(v), im+s*float64(v)
	}
	return math.Atan2(re, im) / (2 * math.Pi) * period
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
		a := r.talks("a", hertz, 0.3)
		a.encoder = r.newEncoder(opus.Music)
		if a.frame = c.frame; c.way != nil {
			a.way = c.way
		}
		start := int64(int32(a.timestamp))
		var off, wrong int
		var lag float64
		r.listen(a, 300, func(frame int, pcm []float32, heard bool) {
			if frame < 50 || a.source.steering {
				return
			}
			at := a.source.head - frameSize - start // the first sample of the frame, counted from the talker's first
			d := math.Remainder(phase(pcm)-float64(at), period)
			if lag == 0 {
				lag = d // of the codec
			}
			if math.Abs(math.Remainder(d-lag, period)) > 1 {
				off++
			}
			if !heard || strength(pcm[:measure], hertz) < 0.1 {
				wrong++
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

// A tenth of the packets lost: the copies in the next ones bring them back, nearly as they were.
func TestLossesAreRecovered(t *testing.T) {
	damage := func(lossy bool) (sum float64, lost, recovered int) {
		r := newRig(t)
		a := r.talks("a", 400, 0.3)
		a.speaks = true
		random := rand.New(rand.NewPCG(1, 2))
		a.way = func(n uint64) (int64, bool) {
			gone := lossy && n > 150 && random.IntN(10) == 0
			if gone {
				lost++
			}
			return 0, gone
		}
		start := int64(int32(a.timestamp))
		r.listen(a, 450, func(frame int, pcm []float32, _ bool) {
			middle := float64(a.source.head-frameSize/2-start) / opus.SampleRate
			want := 0.3 * math.Pow(math.Sin(4*math.Pi*(middle-0.0065)), 4) // as much later as the codec is
			if frame > 50 {
				sum += math.Abs(strength(pcm, 400) - want)
			}
		})
		return sum, lost, int(r.engine.counts.Recovered.Load())
	}
	clean, _, _ := damage(false)
	lossy, lost, recovered := damage(true)
	if recovered < lost*7/10 {
		t.Errorf("of %d lost packets %d were recovered", lost, recovered)
	}
	if lossy-clean > 1.5 { // of 400 frames; with concealment alone it is 4 and more
		t.Errorf("the envelope is off by %.2f in all, without losses by %.2f", lossy, clean)
	}
	t.Logf("%d of %d recovered, off by %.2f, without losses by %.2f", recovered, lost, lossy, clean)
}

// driftFor is how long a clock drifts in the test, in either direction.
var driftFor = time.Hour / 2

// A sender's clock that is wrong by 100 ppm changes neither the delay nor the sound in an hour.
func TestDrift(t *testing.T) {
	for _, drift := range []float64{100e-6, -100e-6} { // half an hour each
		t.Run(fmt.Sprintf("%+.0f ppm", drift*1e6), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.talks("a", 400, 0.3)
			a.drift = drift
			loop := newLoop(r, a)
			var low, high int64 = never, -never
			quiet, mean := 0, 0.0
			frames := int64(driftFor / frameTime)
			pcm := make([]float32, frameSize)
			for n := range frames {
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
					if !heard {
						quiet++
					}
					if n%50 == 0 {
						mean += strength(pcm, 400) / float64(frames/50)
					}
				}
				r.now += rigFrameNS
			}
			c := r.engine.Counts()
			if high-low > 25*millisecond || quiet > 0 || mean < 0.2 || c.Concealed.Load() > 0 || c.Late.Load() > 0 || c.Skipped.Load() > 0 {
				t.Errorf("%+.0f ppm: delay changes by %d ms, %d frames quiet, the tone %.3f, %d concealed, %d late, %d skipped", drift*1e6,
					(high-low)/millisecond, quiet, mean, c.Concealed.Load(), c.Late.Load(), c.Skipped.Load())
			}
		})
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
		a := r.talks("a", 400, 0.3)
		a.encoder = r.newEncoder(opus.Music)
		nothing := func(int, []float32, bool) {}
		r.listen(a, 100, nothing)
		jump(a)
		r.listen(a, 250, nothing)
		weak := 0
		r.listen(a, 50, func(_ int, pcm []float32, _ bool) {
			if s := strength(pcm, 400); s < 0.25 || s > 0.35 {
				weak++
			}
		})
		if weak > 0 {
			t.Errorf("%s: 5 s later %d of 50 frames are not the tone", name, weak)
		}
		if late := r.now/rigFrameNS*frameSize - a.source.head - a.source.delay.base(); late > 350*millisecond {
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
	r.run(1000)
	if late := r.mix.frame*frameSize - a.source.head - a.source.delay.target(); late > steerFrom || late < -steerFrom {
		t.Errorf("16 s after a stall the delay is off by %d ms", late/millisecond)
	}
	if s := steadiness(h.last(50), 400); s < 0.25 {
		t.Errorf("16 s after a stall the tone has the amplitude %.3f", s)
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
