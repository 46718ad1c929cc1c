package mixer

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is a Receiver that counts.
type counter struct{ frames atomic.Int64 }

func (c *counter) Send(*Frame) { c.frames.Add(1) }

// voicePackets are a second of a tone.
func voicePackets(t testing.TB) []packet.Media {
	t.Helper()
	r := newRig(t)
	a := r.talks("a", 400, 0.3)
	r.now = int64(time.Second)
	a.send(r)
	return a.underway
}

// The loop makes a frame each 20 ms, and nothing runs or is sent after what ended it.
func TestLoop(t *testing.T) {
	packets := voicePackets(t)
	library, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		now := func() int64 { return int64(time.Since(start)) }
		e := New(Config{Now: now})
		e.codec = library
		m, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.AddSource("a", false)
		if err != nil {
			t.Fatal(err)
		}
		var b, c counter
		l, err := m.AddListener("b", &b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.AddListener("c", &c); err != nil {
			t.Fatal(err)
		}
		s.Source(packet.Source{})
		feed := func(n int) {
			for i := range n {
				p := packets[i%len(packets)]
				p.Arrived = now()
				s.Take(&p)
				time.Sleep(frameTime)
			}
		}
		feed(40)
		if n := b.frames.Load(); n < 36 || n > 42 { // timers of one moment fire in any order
			t.Errorf("in 0.8 s of sound %d frames came", n)
		}
		l.Close()
		gone := b.frames.Load()
		before := c.frames.Load()
		feed(10)
		if n := c.frames.Load() - before; b.frames.Load() != gone || n < 9 || n > 11 {
			t.Errorf("after Close %d frames came, to others %d, want 0 and 10", b.frames.Load()-gone, n)
		}
		s.SetOn(false)
		time.Sleep(time.Second)
		before = c.frames.Load()
		feed(40)
		if n := c.frames.Load() - before; n > 3 { // a reminder of silence each 0.4 s
			t.Errorf("of a source that is off %d frames came", n)
		}
		s.Close()
		s.Close()
		m.Close()
		m.Close()
		if _, err := m.AddSource("d", false); !errors.Is(err, ErrClosed) {
			t.Errorf("a source was added to a mix that ended: %v", err)
		}
		s.SetOn(true)
		l.Close()
		open, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		e.codec = nil // others need it
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if _, err := open.AddListener("b", &b); !errors.Is(err, ErrClosed) {
			t.Errorf("a listener was added after the end: %v", err)
		}
		if _, err := e.Open(); !errors.Is(err, ErrClosed) {
			t.Errorf("a mix was opened after the end: %v", err)
		}
	})
}

// A loop that is far behind leaves out frames rather than being late for ever.
func TestOverrun(t *testing.T) {
	r := newRig(t)
	r.talks("a", 400, 0.3)
	h := r.hears("b")
	r.run(50)
	packets, at := h.packets, h.next
	r.now += int64(3 * time.Second)
	r.run(10)
	if got, later := h.packets-packets, h.next-at; got > 10 || later < 3*48_000 {
		t.Errorf("3 s behind, %d frames were made up for; the timestamps went on by %d", got, later)
	}
	if r.engine.counts.Overruns.Load() != 1 {
		t.Errorf("%d overruns were counted", r.engine.counts.Overruns.Load())
	}
	r.run(50)
	if s := steadiness(h.last(20), 400); s < 0.2 {
		t.Errorf("afterwards the tone has the amplitude %.3f", s)
	}
}

// When libopus fails, the mix goes on.
func TestRestart(t *testing.T) {
	r := newRig(t)
	r.talks("a", 400, 0.3)
	h := r.hears("b")
	own := r.hears("a")
	r.talks("b", 700, 0.3).silent = true
	r.run(50)
	if err := r.mix.instance.Close(); err != nil {
		t.Fatal(err)
	}
	r.run(1)
	if r.engine.counts.Restarts.Load() != 1 {
		t.Fatalf("libopus was started again %d times", r.engine.counts.Restarts.Load())
	}
	r.talk[0].Source.Source(packet.Source{}) // what broke it is heard no more until its track begins anew
	r.run(100)
	if s := steadiness(h.last(20), 400); s < 0.2 {
		t.Errorf("afterwards the tone has the amplitude %.3f", s)
	}
	if own.packets == 0 {
		t.Error("who talks hears nothing")
	}
}

func TestQueueDropsTheOldest(t *testing.T) {
	q := newQueue()
	for i := range slots + 10 {
		q.put(&packet.Media{Codec: packet.CodecOpus, ClockRate: 48_000, Number: uint64(i), Payload: []byte{0xf8, 1, 2}})
	}
	q.put(&packet.Media{Codec: packet.CodecVP8, ClockRate: 90_000, Payload: []byte{1}})
	q.put(&packet.Media{Codec: packet.CodecOpus, ClockRate: 48_000, Payload: make([]byte, 1276)})
	first, dropped := q.takeAll()
	if dropped != 10 || first.number != 10 {
		t.Errorf("%d were dropped and number %d is the first, want 10 and 10", dropped, first.number)
	}
	count := 0
	for p := first; p != nil; count++ {
		next := p.next
		q.release(p)
		p = next
	}
	if count != slots {
		t.Errorf("%d are in a queue for %d", count, slots)
	}
}

// The limiter changes nothing that fits, and keeps below its ceiling whatever does not, from the first sample on.
func TestLimiter(t *testing.T) {
	var l limiter
	var in, out []float32
	for n := range 100 {
		frame := make([]float32, frameSize)
		for i := range frame {
			at := float64(n*frameSize + i)
			frame[i] = float32(0.5 * math.Sin(at/20))
			if n >= 50 && n < 60 {
				frame[i] *= 9
			}
		}
		in = append(in, frame...)
		l.limit(frame)
		out = append(out, frame...)
	}
	loud := 50*frameSize - blockSize // the gain begins to fall one block ahead
	for i := blockSize; i < loud; i++ {
		if out[i] != in[i-blockSize] {
			t.Fatalf("sample %d is %.4f, want %.4f as it was", i, out[i], in[i-blockSize])
		}
	}
	if peak := loudest(out); peak > ceiling+1e-6 || peak < ceiling*0.95 {
		t.Errorf("the loudest sample is %.4f, want %.2f", peak, ceiling)
	}
	if s := strength(out[len(out)-10*frameSize:], opus48/(2*math.Pi*20)); s < 0.48 {
		t.Errorf("0.6 s later the amplitude is %.3f, want 0.5 again", s)
	}
	for i := range 3 {
		if silent := l.limit(make([]float32, frameSize)); silent != (i > 0) {
			t.Errorf("frame %d of silence: silent is %t", i, silent)
		}
	}
}

const opus48 = 48_000

// Stretching keeps a tone what it is.
func TestStretch(t *testing.T) {
	for step := -maxStep; step <= maxStep; step++ {
		in := make([]float32, frameSize+step+2*reach)
		for i := range in {
			in[i] = float32(math.Sin(2 * math.Pi * 3000 * float64(i-reach) / opus48))
		}
		out := make([]float32, frameSize)
		stretch(out, in, step)
		for i, v := range out {
			at := float64(i) * float64(frameSize+step) / frameSize
			if want := math.Sin(2 * math.Pi * 3000 * at / opus48); math.Abs(float64(v)-want) > 0.005 {
				t.Fatalf("step %d: sample %d is %.4f, want %.4f", step, i, v, want)
			}
		}
	}
}

// A frame of the mix allocates nothing once it goes on steadily.
func TestAllocatesNothing(t *testing.T) {
	r := newRig(t)
	packets := voicePackets(t)
	made := newSource(&r.engine.counts)
	s := &Source{mix: r.mix, queue: made.queue, source: made, owner: r.mix.participant("a")}
	s.owner.sources = append(s.owner.sources, s)
	var c counter
	for _, id := range []string{"a", "b"} {
		l := &Listener{mix: r.mix, to: &c, owner: r.mix.participant(video.ParticipantID(id))}
		l.owner.listeners = append(l.owner.listeners, l)
	}
	n := 0
	if allocs := testing.AllocsPerRun(200, func() {
		p := packets[n%40]
		p.Number, p.Timestamp, p.Arrived = uint64(n), uint32(n*frameSize), r.now
		s.Take(&p)
		n++
		r.mix.advance((r.now-r.mix.epoch)/rigFrameNS + 1)
		r.now += rigFrameNS
	}); allocs != 0 {
		t.Errorf("a frame allocates %.1f times", allocs)
	}
	if c.frames.Load() < 200 { // who talks hears silence, of which little is sent
		t.Errorf("%d frames were sent", c.frames.Load())
	}
}
