package mixer

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// compiled is libopus for all tests, since compiling it takes a while.
var compiled = sync.OnceValues(func() (*opus.Library, error) { return opus.Compile(context.Background()) })

const rigFrameNS = int64(frameTime)

// rig is a mix whose frames are made by the test, on invented time.
type rig struct {
	t      testing.TB
	engine *Engine
	mix    *Mix
	voices *opus.Instance // of those who talk and listen
	now    int64          // ns
	talk   []*talker
	hear   []*hearer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	library, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t}
	r.engine = New(Config{Now: func() int64 { return r.now }})
	r.engine.codec = library
	if r.mix, err = newMix(r.engine); err != nil {
		t.Fatal(err)
	}
	if r.voices, err = library.NewInstance(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.mix.instance.Close()
		_ = r.voices.Close()
	})
	return r
}

// talker sends a tone.
type talker struct {
	*Source
	hertz     float64
	amplitude float64
	level     uint8
	frame     int // samples of a packet
	encoder   *opus.Encoder
	number    uint64
	timestamp uint32
	sampled   int64 // samples so far
	starts    int64 // ns
	silent    bool  // nothing is sent, while time goes on (DTX)
	way       func(number uint64) (late int64, lost bool)
	underway  []packet.Media
	drift     float64 // its clock against ours
	speaks    bool    // the tone comes and goes four times a second, as speech does
}

// talks adds a talker, whose packets are under way for 30 ms.
func (r *rig) talks(id video.ParticipantID, hertz, amplitude float64) *talker {
	return r.sends(id, hertz, amplitude, false)
}

func (r *rig) sends(id video.ParticipantID, hertz, amplitude float64, leg bool) *talker {
	r.t.Helper()
	e := r.newEncoder(opus.Voice)
	made := newSource(&r.engine.counts)
	s := &Source{mix: r.mix, queue: made.queue, leg: leg, source: made, owner: r.mix.participant(id)}
	s.owner.sources = append(s.owner.sources, s)
	s.Source(packet.Source{})
	t := &talker{
		Source: s, hertz: hertz, amplitude: amplitude, level: 20, frame: frameSize, encoder: e, number: 100,
		timestamp: math.MaxUint32 - 20_000, starts: r.now, way: func(uint64) (int64, bool) { return 0, false },
	}
	r.talk = append(r.talk, t)
	return t
}

func (r *rig) newEncoder(application opus.Application) *opus.Encoder {
	r.t.Helper()
	e, err := r.voices.NewEncoder(opus.EncoderConfig{Channels: 1, Application: application, Bitrate: 40_000, Complexity: 1, FEC: true, Loss: 15})
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *rig) narrowEncoder() *opus.Encoder {
	r.t.Helper()
	e, err := r.voices.NewEncoder(opus.EncoderConfig{Channels: 1, Application: opus.Voice, Bitrate: 8000})
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// send puts all packets on the way whose last sample is sampled by now.
func (t *talker) send(r *rig) {
	pcm, out := make([]float32, t.frame), make([]byte, opus.MaxPacket)
	for {
		end := t.starts + int64(float64(t.sampled+int64(t.frame))*1e9/opus.SampleRate/(1+t.drift))
		if end > r.now {
			return
		}
		for i := range pcm {
			at := float64(t.sampled+int64(i)) / opus.SampleRate
			pcm[i] = float32(t.amplitude * math.Sin(2*math.Pi*t.hertz*at))
			if t.speaks {
				pcm[i] *= float32(math.Pow(math.Sin(4*math.Pi*at), 4))
			}
		}
		if !t.silent {
			n, err := t.encoder.Encode(pcm, out)
			if err != nil {
				r.t.Fatal(err)
			}
			late, lost := t.way(t.number)
			if !lost {
				t.underway = append(t.underway, packet.Media{
					Codec: packet.CodecOpus, ClockRate: opus.SampleRate, Number: t.number, Timestamp: t.timestamp,
					Payload: slices.Clone(out[:n]), Level: t.level, HasLevel: true, Arrived: end + 30e6 + late,
				})
			}
			t.number++
		}
		t.sampled += int64(t.frame)
		t.timestamp += uint32(t.frame)
	}
}

// deliver hands over what arrives until now.
func (t *talker) deliver(now int64) {
	slices.SortStableFunc(t.underway, func(a, b packet.Media) int { return cmp.Compare(a.Arrived, b.Arrived) })
	for len(t.underway) > 0 && t.underway[0].Arrived <= now {
		t.Take(&t.underway[0])
		t.underway = t.underway[1:]
	}
}

// loop sends the same second of a tone again and again, whose packets are made once.
type loop struct {
	*talker
	packets []packet.Media
	start   uint32
	sent    int64
}

func newLoop(r *rig, t *talker) *loop {
	l := &loop{talker: t, start: t.timestamp}
	t.frame = 2880 // a third of the work, and narrow band is another third
	t.encoder = r.narrowEncoder()
	now, drift := r.now, t.drift
	r.now, t.drift = int64(2*time.Second), 0
	t.send(r)
	l.packets, t.underway = t.underway[len(t.underway)-17:], nil
	r.now, t.drift = now, drift
	return l
}

// deliver hands over what arrives until now, after 30 ms.
func (l *loop) deliver(now int64) {
	for {
		end := int64(float64((l.sent+1)*int64(l.frame))*1e9/opus.SampleRate/(1+l.drift)) + 30e6
		if end > now {
			return
		}
		m := l.packets[l.sent%int64(len(l.packets))]
		m.Number, m.Timestamp, m.Arrived = uint64(l.sent), l.start+uint32(l.sent*int64(l.frame)), end
		l.Take(&m)
		l.sent++
	}
}

// hearer decodes its mix.
type hearer struct {
	*Listener
	rig     *rig
	decoder *opus.Decoder
	pcm     []float32
	began   bool
	next    uint32
	number  uint64
	packets int
	marks   int
}

func (r *rig) hears(id video.ParticipantID) *hearer {
	r.t.Helper()
	d, err := r.voices.NewDecoder(1)
	if err != nil {
		r.t.Fatal(err)
	}
	h := &hearer{rig: r, decoder: d}
	h.Listener = &Listener{mix: r.mix, to: h, owner: r.mix.participant(id)}
	h.owner.listeners = append(h.owner.listeners, h.Listener)
	r.hear = append(r.hear, h)
	return h
}

func (h *hearer) Send(f *Frame) {
	if h.began && (f.Number != h.number || int32(f.Timestamp-h.next) < 0) {
		h.rig.t.Fatalf("frame %d at %d came, want %d at %d or later", f.Number, f.Timestamp, h.number, h.next)
	}
	if f.Marker {
		h.marks++
	}
	for ; h.began && h.next != f.Timestamp; h.next += frameSize {
		h.pcm = append(h.pcm, make([]float32, frameSize)...)
	}
	n := len(h.pcm)
	h.pcm = append(h.pcm, make([]float32, frameSize)...)
	if got, err := h.decoder.Decode(f.Payload, h.pcm[n:]); err != nil || got != frameSize {
		h.rig.t.Fatalf("a frame of the mix holds %d samples: %v", got, err)
	}
	h.began, h.number, h.next = true, f.Number+1, f.Timestamp+frameSize
	h.packets++
}

// run lets time pass, in frames.
func (r *rig) run(frames int) {
	r.t.Helper()
	for range frames {
		for _, t := range r.talk {
			t.send(r)
			t.deliver(r.now)
		}
		r.mix.advance((r.now-r.mix.epoch)/rigFrameNS + 1)
		r.now += rigFrameNS
	}
}

// last is the end of what was heard.
func (h *hearer) last(frames int) []float32 {
	return h.pcm[max(len(h.pcm)-frames*frameSize, 0):]
}

// strength is the amplitude of a tone (Goertzel's filter).
func strength(pcm []float32, hertz float64) float64 {
	w := 2 * math.Pi * hertz / opus.SampleRate
	var a, b float64
	for _, v := range pcm {
		a, b = float64(v)+2*math.Cos(w)*a-b, a
	}
	return 2 * math.Sqrt(a*a+b*b-2*math.Cos(w)*a*b) / float64(len(pcm))
}

// steadiness is the mean amplitude of a tone in frames, each by itself: a tone whose pitch is a little off for a while counts.
func steadiness(pcm []float32, hertz float64) (mean float64) {
	for at := 0; at+frameSize <= len(pcm); at += frameSize {
		mean += strength(pcm[at:at+frameSize], hertz)
	}
	return mean / float64(len(pcm)/frameSize)
}

func loudest(pcm []float32) (peak float64) {
	for _, v := range pcm {
		peak = max(peak, math.Abs(float64(v)))
	}
	return peak
}
