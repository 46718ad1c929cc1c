package packet

import (
	"testing"
	"time"
)

// mic makes the packets of one microphone, 20 ms each.
type mic struct {
	voice     Voice
	number    uint64
	timestamp uint32
	now       int64
}

const (
	packetTime = 20 * time.Millisecond
	talk       = 30 // -dBov
	hush       = 75
)

// sound sends packets of this level for a while and returns when somebody first spoke and when last, from its beginning
// (-1: never).
func (m *mic) sound(level uint8, lasts time.Duration) (first, last time.Duration) {
	first, last = -1, -1
	for at := time.Duration(0); at < lasts; at += packetTime {
		m.next()
		m.voice.Hear(level, m.number, m.timestamp, 48000, m.now)
		if m.voice.Speaks(m.now) {
			if last = at + packetTime; first < 0 {
				first = last
			}
		}
	}
	return first, last
}

func (m *mic) next() {
	m.number++
	m.timestamp += 960
	m.now += int64(packetTime)
}

// pause lets time pass in which nothing is sent.
func (m *mic) pause(lasts time.Duration) {
	m.timestamp += uint32(lasts.Milliseconds()) * 48
	m.now += int64(lasts)
}

func TestSpeechIsHeardSoonAndEndsAfterASecond(t *testing.T) {
	for _, level := range []uint8{5, 20, 30, 45} {
		var m mic
		m.sound(hush, 2*time.Second)
		if first, _ := m.sound(level, 2*time.Second); first < 200*time.Millisecond || first > 300*time.Millisecond {
			t.Errorf("-%d dBov: spoke after %v", level, first)
		}
		if _, last := m.sound(hush, 3*time.Second); last < 900*time.Millisecond || last > 1100*time.Millisecond {
			t.Errorf("-%d dBov: spoke for %v of silence", level, last)
		}
	}
}

// Pauses between words and sentences end nothing, and neither does a third of the packets being lost.
func TestPausesEndNothing(t *testing.T) {
	var m mic
	m.sound(talk, time.Second)
	for range 10 {
		if _, last := m.sound(hush, 700*time.Millisecond); last != 700*time.Millisecond {
			t.Fatalf("ended in a pause after %v", last)
		}
		m.sound(talk, 400*time.Millisecond)
	}
	for i := range 60 {
		m.next()
		if i%3 != 0 {
			m.voice.Hear(talk, m.number, m.timestamp, 48000, m.now)
		}
		if !m.voice.Speaks(m.now) {
			t.Fatalf("ended at packet %d", i)
		}
	}
}

func TestShortSoundsMakeNoSpeaker(t *testing.T) {
	for _, c := range []struct {
		what         string
		level        uint8
		sound, quiet time.Duration
	}{
		{"typing", 25, 40 * time.Millisecond, 80 * time.Millisecond},
		{"a cough now and then", 15, 180 * time.Millisecond, time.Second},
		{"a clock", 30, 20 * time.Millisecond, 480 * time.Millisecond},
		{"a quiet room", 58, 2 * time.Second, time.Second},
	} {
		var m mic
		m.sound(hush, time.Second)
		for range 50 {
			first, _ := m.sound(c.level, c.sound)
			again, _ := m.sound(hush, c.quiet)
			if first >= 0 || again >= 0 {
				t.Errorf("%s is taken for speech", c.what)
				break
			}
		}
	}
}

// What goes on at the same level is background, but not if it is as loud as speech close by.
func TestNoiseBecomesBackground(t *testing.T) {
	var m mic
	m.sound(hush, time.Second)
	m.sound(47, 15*time.Second)
	if m.voice.Speaks(m.now) {
		t.Error("a fan speaks")
	}
	if first, _ := m.sound(30, time.Second); first < 0 || first > 300*time.Millisecond {
		t.Errorf("over the fan, somebody spoke after %v", first)
	}
	if _, last := m.sound(30, 30*time.Second); last != 30*time.Second {
		t.Errorf("a long note ended after %v", last)
	}
}

// TestUnsentSilenceEndsSpeech: with DTX, and when the microphone is switched off, silence is what does not come.
func TestUnsentSilenceEndsSpeech(t *testing.T) {
	var m mic
	m.sound(talk, time.Second)
	if !m.voice.Speaks(m.now + 900e6) {
		t.Error("ended within 900 ms")
	}
	if m.voice.Speaks(m.now + 1200e6) {
		t.Error("goes on after 1.2 s without a packet")
	}
	for range 3 { // as Opus does in a silence
		m.pause(380 * time.Millisecond)
		m.next()
		m.voice.Hear(Silence, m.number, m.timestamp, 48000, m.now)
	}
	if m.voice.Speaks(m.now) {
		t.Error("three packets of comfort noise go on speaking")
	}
	m.pause(5 * time.Second)
	if first, _ := m.sound(talk, time.Second); first < 200*time.Millisecond || first > 300*time.Millisecond {
		t.Errorf("after the silence, spoke after %v", first)
	}
}

func TestLatePacketsChangeNothing(t *testing.T) {
	var m mic
	m.sound(hush, time.Second)
	before := m.voice
	for range 100 {
		if m.voice.Hear(0, m.number, m.timestamp, 48000, m.now) || m.voice.Hear(0, m.number-5, m.timestamp-5*960, 48000, m.now) {
			t.Fatal("a late packet is loud")
		}
	}
	if m.voice != before {
		t.Error("late packets counted")
	}
}

// Loudness rises within two packets, so that a speaker is let in at once, and falls slowly.
func TestLoudness(t *testing.T) {
	var m mic
	m.sound(hush, time.Second)
	m.sound(talk, 2*packetTime)
	if got := m.voice.Loudness(); got < 127-talk-12 {
		t.Errorf("%d dB after two packets", got)
	}
	m.sound(talk, time.Second)
	m.sound(hush, 200*time.Millisecond)
	if got := m.voice.Loudness(); got < 127-talk-15 {
		t.Errorf("%d dB after 200 ms of silence", got)
	}
}

func TestParseLevel(t *testing.T) {
	if _, ok := ParseLevel(nil); ok {
		t.Error("nothing has a level")
	}
	if level, ok := ParseLevel([]byte{0x80 | 35}); !ok || level != 35 {
		t.Errorf("level %d, %v", level, ok)
	}
}

func FuzzVoice(f *testing.F) {
	f.Add(uint8(30), uint64(1), uint32(960), int64(20e6))
	f.Fuzz(func(t *testing.T, level uint8, number uint64, timestamp uint32, now int64) {
		var v Voice
		v.Hear(40, 10, 9600, 48000, 0)
		v.Hear(level&0x7f, number, timestamp, 48000, now)
		v.Hear(30, number+1, timestamp+960, 48000, now)
		v.Speaks(now)
		if l := v.Loudness(); l < 0 || l > Silence {
			t.Errorf("loudness %d", l)
		}
	})
}

func BenchmarkVoice(b *testing.B) {
	var m mic
	for b.Loop() {
		m.next()
		m.voice.Hear(uint8(m.number)&63, m.number, m.timestamp, 48000, m.now)
	}
}
