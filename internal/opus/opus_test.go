package opus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
)

// The binary in the tree is the one whose checksum was committed with it, with the licence of what is in it.
func TestChecksum(t *testing.T) {
	want, err := os.ReadFile("wasm/libopus.wasm.sha256")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(wasm)
	if got := hex.EncodeToString(sum[:]); !strings.HasPrefix(string(want), got+" ") {
		t.Errorf("libopus.wasm has the checksum %s, want %s", got, want)
	}
	licence, err := os.ReadFile("wasm/COPYING")
	if err != nil || !strings.Contains(string(licence), "Xiph.Org") {
		t.Errorf("licence: %q, %v", licence, err)
	}
}

const frame = SampleRate / 50

// compiled is for all tests, since compiling takes a while.
var compiled = sync.OnceValues(func() (*Library, error) { return Compile(context.Background()) })

func newInstance(t testing.TB) *Instance {
	t.Helper()
	l, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	i, err := l.NewInstance()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func newEncoder(t testing.TB, i *Instance, c EncoderConfig) *Encoder {
	t.Helper()
	e, err := i.NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newDecoder(t testing.TB, i *Instance, channels int) *Decoder {
	t.Helper()
	d, err := i.NewDecoder(channels)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var voice = EncoderConfig{Channels: 1, Application: Voice, Bitrate: 40_000, Complexity: 5, FEC: true, Loss: 10}

// sine fills pcm with a tone from sample number from on, in all channels.
func sine(pcm []float32, channels, from int, hertz float64) {
	for n := range pcm {
		pcm[n] = float32(0.5 * math.Sin(2*math.Pi*hertz*float64(from+n/channels)/SampleRate))
	}
}

// strength is the amplitude of a tone in mono sound.
func strength(pcm []float32, hertz float64) float64 {
	var re, im float64
	for n, v := range pcm {
		s, c := math.Sincos(2 * math.Pi * hertz * float64(n) / SampleRate)
		re, im = re+c*float64(v), im+s*float64(v)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func encoded(t testing.TB, e *Encoder, from int, hertz float64) []byte {
	t.Helper()
	pcm, packet := make([]float32, frame*e.channels), make([]byte, MaxPacket)
	sine(pcm, e.channels, from, hertz)
	n, err := e.Encode(pcm, packet)
	if err != nil {
		t.Fatal(err)
	}
	return packet[:n]
}

func TestToneSurvives(t *testing.T) {
	for _, c := range []EncoderConfig{
		voice,
		{Channels: 2, Application: Music, Bitrate: 96_000, Complexity: 10},
		{Channels: 1, Application: Voice, Bitrate: 12_000},
	} {
		i := newInstance(t)
		e, d := newEncoder(t, i, c), newDecoder(t, i, 1)
		var heard []float32
		pcm := make([]float32, MaxFrame)
		for n := range 50 {
			got, err := d.Decode(encoded(t, e, n*frame, 440), pcm)
			if err != nil || got != frame {
				t.Fatalf("%+v: decoded %d samples, %v", c, got, err)
			}
			heard = append(heard, pcm[:got]...)
		}
		if s := strength(heard[SampleRate/2:], 440); s < 0.45 || s > 0.55 {
			t.Errorf("%+v: the tone has the amplitude %.3f, want 0.5", c, s)
		}
		if s := strength(heard[SampleRate/2:], 1000); s > 0.01 {
			t.Errorf("%+v: another tone has the amplitude %.3f", c, s)
		}
	}
}

// Ending the library ends its instances, and nothing panics afterwards.
func TestClose(t *testing.T) {
	l, err := Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i, err := l.NewInstance()
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t, i, 2)
	if err := errors.Join(l.Close(), i.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := d.Decode([]byte{0xf8, 1}, make([]float32, 2*MaxFrame)); !errors.Is(err, ErrBroken) {
		t.Errorf("decoding after the end: %v", err)
	}
	d.Close()
	if _, err := l.NewInstance(); err == nil {
		t.Error("an instance was made after the end")
	}
}

// Stereo becomes mono where a decoder has one channel, and mono both channels where it has two.
func TestChannels(t *testing.T) {
	i := newInstance(t)
	stereo := newEncoder(t, i, EncoderConfig{Channels: 2, Application: Music, Bitrate: 96_000, Complexity: 5})
	one, two, mono := newDecoder(t, i, 1), newDecoder(t, i, 2), newEncoder(t, i, EncoderConfig{Channels: 1, Application: Music, Bitrate: 64_000, Complexity: 5})
	left, both := make([]float32, frame), make([]float32, 2*frame)
	for n := range 30 {
		if _, err := one.Decode(encoded(t, stereo, n*frame, 500), left); err != nil {
			t.Fatal(err)
		}
		if _, err := two.Decode(encoded(t, mono, n*frame, 500), both); err != nil {
			t.Fatal(err)
		}
	}
	if s := strength(left, 500); s < 0.45 || s > 0.55 {
		t.Errorf("stereo in mono has the amplitude %.3f", s)
	}
	for n := range frame {
		if both[2*n] != both[2*n+1] {
			t.Fatal("mono is not the same in both channels")
		}
	}
}

// Of a lost packet the next one holds a coarse copy: it brings back a tone that began in the lost one, which concealment cannot know.
func TestRecover(t *testing.T) {
	i := newInstance(t)
	e := newEncoder(t, i, EncoderConfig{Channels: 1, Application: Voice, Bitrate: 32_000, Complexity: 8, FEC: true, Loss: 20})
	recovers, conceals := newDecoder(t, i, 1), newDecoder(t, i, 1)
	pcm := make([]float32, frame)
	for n := range 60 {
		hertz := 300.0
		if n >= 50 {
			hertz = 700
		}
		p := encoded(t, e, n*frame, hertz)
		if n == 51 {
			continue // the packet that is lost
		}
		if n == 52 {
			if err := recovers.Recover(p, pcm); err != nil {
				t.Fatal(err)
			}
			if s := strength(pcm, 700); s < 0.3 {
				t.Errorf("recovered, the tone has the amplitude %.2f", s)
			}
			break
		}
		for _, d := range []*Decoder{recovers, conceals} {
			if n == 50 && d == conceals {
				continue // has not heard of the new tone
			}
			if _, err := d.Decode(p, pcm); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := conceals.Conceal(pcm); err != nil {
		t.Fatal(err)
	}
	if s := strength(pcm, 300); s < 0.1 {
		t.Errorf("concealed, the tone before has the amplitude %.2f", s)
	}
	if s := strength(pcm, 700); s > 0.1 {
		t.Errorf("concealed, a tone never heard has the amplitude %.2f", s)
	}
}

func TestDTX(t *testing.T) {
	i := newInstance(t)
	c := voice
	c.DTX = true
	e, packet := newEncoder(t, i, c), make([]byte, MaxPacket)
	short := 0
	for range 100 {
		n, err := e.Encode(make([]float32, frame), packet)
		if err != nil {
			t.Fatal(err)
		}
		if n <= 2 {
			short++
		}
	}
	if short < 70 {
		t.Errorf("of 100 packets of silence %d need not be sent", short)
	}
}

func TestBadInput(t *testing.T) {
	i := newInstance(t)
	e, d := newEncoder(t, i, voice), newDecoder(t, i, 1)
	pcm, packet := make([]float32, MaxFrame), make([]byte, MaxPacket)
	for name, err := range map[string]error{
		"nothing to decode":   func() error { _, err := d.Decode(nil, pcm); return err }(),
		"broken packet":       func() error { _, err := d.Decode([]byte{3}, pcm); return err }(),
		"too long a packet":   func() error { _, err := d.Decode(make([]byte, 5000), pcm); return err }(),
		"no room":             func() error { _, err := d.Decode(encoded(t, e, 0, 440), pcm[:10]); return err }(),
		"odd concealment":     d.Conceal(pcm[:100]),
		"an odd frame":        func() error { _, err := e.Encode(pcm[:100], packet); return err }(),
		"nowhere to write to": func() error { _, err := e.Encode(pcm[:frame], nil); return err }(),
		"three channels":      func() error { _, err := i.NewDecoder(3); return err }(),
		"no bit rate":         func() error { _, err := i.NewEncoder(EncoderConfig{Channels: 1, Application: Voice}); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if errors.Is(err, ErrBroken) {
			t.Errorf("%s broke the instance: %v", name, err)
		}
	}
	if _, err := d.Decode(encoded(t, e, 0, 440), pcm); err != nil {
		t.Errorf("afterwards nothing is decoded: %v", err)
	}
}

// Instances share nothing, and what was closed in one is used again.
func TestMemoryIsUsedAgain(t *testing.T) {
	i := newInstance(t)
	var size uint32
	for n := range 500 {
		e, d := newEncoder(t, i, voice), newDecoder(t, i, 2)
		e.Close()
		d.Close()
		if n == 0 {
			size = i.memory.Size()
		}
	}
	if i.memory.Size() != size {
		t.Errorf("memory grew from %d to %d bytes", size, i.memory.Size())
	}
}

func TestAllocatesNothing(t *testing.T) {
	i := newInstance(t)
	e, d := newEncoder(t, i, voice), newDecoder(t, i, 1)
	pcm, packet, heard := make([]float32, frame), make([]byte, MaxPacket), make([]float32, MaxFrame)
	sine(pcm, 1, 0, 440)
	if n := testing.AllocsPerRun(200, func() {
		n, err := e.Encode(pcm, packet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(packet[:n], heard); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Recover(packet[:n], heard[:frame]), d.Conceal(heard[:frame])); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a frame allocates %.1f times", n)
	}
}

// Whatever a peer sends, the decoder goes on; samples are numbers.
func FuzzDecode(f *testing.F) {
	i := newInstance(f)
	e := newEncoder(f, i, voice)
	f.Add(encoded(f, e, 0, 440), encoded(f, e, frame, 440))
	f.Add([]byte{0xff, 0xff, 0, 1, 2}, []byte{3, 0xff})
	f.Add([]byte{0x7b, 0x83, 0x20, 1, 1, 1}, []byte{0})
	d := newDecoder(f, i, 1)
	pcm := make([]float32, MaxFrame)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, errA := d.Decode(a, pcm)
		errB := d.Recover(b, pcm[:frame])
		_, errC := d.Decode(b, pcm)
		if errors.Is(errors.Join(errA, errB, errC), ErrBroken) {
			t.Fatal(errA, errB, errC)
		}
		if _, err := d.Decode(encoded(t, e, 0, 440), pcm); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for name, c := range map[string]EncoderConfig{
		"voice-mono-40k-c5":   voice,
		"voice-mono-40k-c3":   {Channels: 1, Application: Voice, Bitrate: 40_000, Complexity: 3, FEC: true, Loss: 10},
		"music-mono-64k-c5":   {Channels: 1, Application: Music, Bitrate: 64_000, Complexity: 5},
		"music-stereo-96k-c5": {Channels: 2, Application: Music, Bitrate: 96_000, Complexity: 5},
	} {
		b.Run(name, func(b *testing.B) {
			i := newInstance(b)
			e, packet := newEncoder(b, i, c), make([]byte, MaxPacket)
			pcm := make([]float32, frame*c.Channels)
			b.ReportAllocs()
			at, bytes := 0, 0
			for b.Loop() {
				for k := range pcm { // something like a voice: a low tone with overtones that come and go
					x := float64(at+k/c.Channels) / SampleRate
					pcm[k] = float32((0.2*math.Sin(x*2*math.Pi*140) + 0.1*math.Sin(x*2*math.Pi*700) + 0.05*math.Sin(x*2*math.Pi*2500)) * (0.6 + 0.4*math.Sin(x*25)))
				}
				at += frame
				n, err := e.Encode(pcm, packet)
				if err != nil {
					b.Fatal(err)
				}
				bytes += n
			}
			b.ReportMetric(float64(bytes)/float64(b.N)*8*50, "bit/s")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	i := newInstance(b)
	e, d := newEncoder(b, i, voice), newDecoder(b, i, 1)
	var packets [][]byte
	for n := range 100 {
		packets = append(packets, encoded(b, e, n*frame, 440))
	}
	pcm := make([]float32, MaxFrame)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := d.Decode(packets[n%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
	}
}
