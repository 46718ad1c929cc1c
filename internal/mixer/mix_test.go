package mixer

import (
	"fmt"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Everybody hears everybody else, never itself. The tones are whole numbers of periods in 20 ms.
func TestMixMinus(t *testing.T) {
	r := newRig(t)
	tones := map[*hearer]float64{}
	for i, hertz := range []float64{300, 500, 800, 1150} {
		id := video.ParticipantID(fmt.Sprint(i))
		r.talks(id, hertz, 0.1)
		tones[r.hears(id)] = hertz
	}
	tones[r.hears("listener")] = 0
	r.run(100)
	for h, own := range tones {
		for _, hertz := range []float64{300, 500, 800, 1150} {
			s := strength(h.last(50), hertz)
			if hertz == own && s > 0.001 {
				t.Errorf("who sends %.0f Hz hears itself, with the amplitude %.4f", own, s)
			}
			if hertz != own && (s < 0.085 || s > 0.115) {
				t.Errorf("who sends %.0f Hz hears %.0f Hz with the amplitude %.4f, want 0.1", own, hertz, s)
			}
		}
	}
}

// All who do not talk hear the same, which is encoded once.
func TestOneMixForAllWhoListen(t *testing.T) {
	r := newRig(t)
	r.talks("a", 300, 0.2)
	r.talks("b", 500, 0.2)
	r.hears("a")
	r.hears("b")
	for i := range 20 {
		r.hears(video.ParticipantID(fmt.Sprint("listener", i)))
	}
	r.run(20)
	before := r.engine.counts.Encoded.Load()
	r.run(50)
	if n := r.engine.counts.Encoded.Load() - before; n != 3*50 {
		t.Errorf("50 frames were encoded %d times, want 150", n)
	}
}

// Silence costs nothing, however it is sent.
func TestSilenceCostsNothing(t *testing.T) {
	for name, silence := range map[string]func(*talker){
		"not sent":  func(a *talker) { a.silent = true },
		"quiet":     func(a *talker) { a.level = 90 },
		"off":       func(a *talker) { a.source.on = false },
		"amplitude": func(a *talker) { a.amplitude, a.level = 0, 127 },
	} {
		r := newRig(t)
		a, h := r.talks("a", 300, 0.2), r.hears("b")
		r.run(100)
		silence(a)
		r.run(50)
		decoded, encoded, packets := r.engine.counts.Decoded.Load(), r.engine.counts.Encoded.Load(), h.packets
		r.run(200)
		decoded, encoded = r.engine.counts.Decoded.Load()-decoded, r.engine.counts.Encoded.Load()-encoded
		if decoded != 0 || encoded != 10 || h.packets-packets != 10 {
			t.Errorf("%s: in 4 s of silence %d packets are decoded, %d encoded, %d sent, want 0, 10, 10", name, decoded, encoded, h.packets-packets)
		}
		if peak := loudest(h.last(100)); peak > 0.001 {
			t.Errorf("%s: silence has the amplitude %.4f", name, peak)
		}
	}
}

// A participant whose leg has the sound of its streams in it is heard once.
func TestLegCountsAlone(t *testing.T) {
	r := newRig(t)
	leg, stream, h := r.sends("a", 300, 0.2, true), r.talks("a", 500, 0.2), r.hears("b")
	for _, a := range r.talk { // a decoder that hears the middle of a pure tone takes long to find it in packets for voice
		a.encoder = r.newEncoder(opus.Music)
	}
	hear := func(want300, want500 float64) {
		t.Helper()
		r.run(60)
		for hertz, want := range map[float64]float64{300: want300, 500: want500} {
			if s := steadiness(h.last(25), hertz); s < 0.9*want || s > 1.1*want+0.005 {
				t.Errorf("%.0f Hz has the amplitude %.4f, want %.1f", hertz, s, want)
			}
		}
	}
	hear(0.2, 0)
	leg.source.on = false
	hear(0, 0.2)
	stream.source.on = false
	hear(0, 0)
	leg.source.on = true
	hear(0.2, 0)
}

// Who begins to talk, and who falls silent, goes on hearing the others without a seam.
func TestChangeOfMixIsSeamless(t *testing.T) {
	r := newRig(t)
	r.talks("a", 300, 0.2)
	b, other := r.talks("b", 500, 0.2), r.hears("c")
	h := r.hears("b")
	b.silent = true
	r.run(100)
	b.silent = false
	r.run(100)
	if h.own == nil {
		t.Fatal("who talks has no mix of its own")
	}
	b.silent = true
	r.run(250)
	if h.own != nil || other.own != nil {
		t.Fatal("who is silent has a mix of its own still")
	}
	for at := 10 * frameSize; at+frameSize <= len(h.pcm); at += frameSize {
		if s := strength(h.pcm[at:at+frameSize], 300); s < 0.17 || s > 0.23 {
			t.Errorf("in frame %d the other's tone has the amplitude %.3f", at/frameSize, s)
		}
		if s := strength(h.pcm[at:at+frameSize], 500); s > 0.02 {
			t.Errorf("in frame %d the own tone has the amplitude %.3f", at/frameSize, s)
		}
	}
}

// Ten who talk as loud as they can are not clipped, and what comes out does not pump.
func TestLoudTalkers(t *testing.T) {
	r := newRig(t)
	for i := range 10 {
		r.talks(video.ParticipantID(fmt.Sprint(i)), 250+50*float64(i), 0.95)
	}
	h := r.hears("listener")
	r.run(150)
	heard := h.last(100)
	if peak := loudest(heard); peak >= 1 {
		t.Errorf("the mix has the amplitude %.3f: it would be clipped", peak)
	}
	var low, high float64 = 1, 0
	for at := 0; at < len(heard); at += 10 * frameSize {
		s := strength(heard[at:at+10*frameSize], 400)
		low, high = min(low, s), max(high, s)
	}
	if low < 0.08 || high > low*1.15 {
		t.Errorf("one of ten tones has amplitudes from %.3f to %.3f", low, high)
	}
}
