package sfu

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const idLevel = 9

// talker publishes audio with levels, at invented moments.
type talker struct {
	*encoder
	stream video.StreamID
	now    int64
}

const (
	speech = "\x1e" // -30 dBov
	louder = "\x0a" // -10 dBov
	hushed = "\x50" // -80 dBov
)

func newTalker(t testing.TB, e *Engine, n int) *talker {
	t.Helper()
	ssrc := uint32(600 + n)
	l := withDirection(audioLine("0", ssrc), "sendonly")
	l.extensions = map[string]uint8{extAudioLevel: idLevel}
	w := newWire(t, e, "s", l)
	id := video.StreamID(fmt.Sprint("voice", n))
	w.publish(id, video.Lines{AudioMID: "0"})
	return &talker{encoder: w.opus(ssrc), stream: id, now: e.Now()}
}

// say sends n packets of a level, 20 ms each.
func (s *talker) say(level string, n int) {
	s.extensions = map[uint8]string{idLevel: level}
	for range n {
		s.now += 20e6
		s.wire.push(s.make(false), s.now)
	}
}

// voice returns what is heard of the talker when its last packet came.
func (s *talker) voice() (speaks, heard bool) {
	r := s.wire.transport.router
	r.media.Lock()
	defer r.media.Unlock()
	l := (*s.wire.transport.in.tracks["0"].order.Load())[0]
	return l.voice.Speaks(s.now), l.voice.Heard()
}

// listener subscribes to all talkers and counts what it gets of each.
func listener(t testing.TB, e *Engine, talkers []*talker) *wire {
	t.Helper()
	var lines []*offeredLine
	for i := range talkers {
		lines = append(lines, receivePair(fmt.Sprint("a", i), fmt.Sprint("v", i))...)
	}
	w := newWire(t, e, "s", lines...)
	for _, s := range talkers {
		w.subscribe(video.Subscription{StreamID: s.stream, Audio: true})
	}
	return w
}

func newLargeRoom(t testing.TB, places, large int) *Engine {
	t.Helper()
	e, err := New(Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, LoudestVoices: places, LargeRoom: large})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// sent runs f and returns how many packets it made the server send.
func sent(e *Engine, f func()) int {
	before := e.Stats().PacketsSent
	f()
	return int(e.Stats().PacketsSent - before)
}

func TestVoices(t *testing.T) {
	e := newEngine(t)
	a := newTalker(t, e, 0)
	mute := newWire(t, e, "s", withDirection(audioLine("0", 900), "sendonly")) // tells no levels
	mute.publish("plain", video.Lines{AudioMID: "0"})
	mute.opus(900).frames(20)
	if v := e.Voices("s", nil); len(v) != 0 {
		t.Fatalf("heard %v before anybody told a level", v)
	}
	a.say(speech, 50)
	v := e.Voices("s", nil)
	if len(v) != 1 || v[0].StreamID != a.stream || v[0].Loudness < 90 || v[0].Loudness > 97 {
		t.Fatalf("heard %+v", v)
	}
	if speaks, _ := a.voice(); !speaks {
		t.Fatal("a second of speech, and nobody speaks")
	}
	a.wire.transport.SetGate(a.stream, video.Audio, false)
	a.say(speech, 50)
	if v := e.Voices("s", nil); len(v) != 0 {
		t.Fatalf("%+v is heard through a closed gate", v)
	}
	a.wire.transport.SetGate(a.stream, video.Audio, true)
	a.say(hushed, 5)
	if v := e.Voices("s", nil); len(v) != 1 || v[0].Speaks {
		t.Fatalf("what was said behind the gate counts: %+v", v)
	}
	if v := e.Voices("elsewhere", nil); v != nil {
		t.Fatal("a session without connections is heard")
	}
}

// TestLoudestVoices: of five, two are forwarded. Who begins to speak is heard from the first loud packet while there is room; when there
// is none, one must be clearly louder, and soon is.
func TestLoudestVoices(t *testing.T) {
	e := newLargeRoom(t, 2, 3)
	var s []*talker
	for i := range 5 {
		s = append(s, newTalker(t, e, i))
	}
	w := listener(t, e, s)
	last := map[uint32]uint16{}
	// step lets one speak, and returns how many packets were forwarded, which leave no hole in the numbers of their line.
	step := func(s *talker, level string, packets int) int {
		t.Helper()
		n := sent(e, func() { s.say(level, packets) })
		for _, p := range w.take(n) {
			if before, known := last[p.SSRC]; known && p.SequenceNumber != before+1 {
				t.Fatalf("number %d after %d", p.SequenceNumber, before)
			}
			last[p.SSRC] = p.SequenceNumber
		}
		return n
	}
	for _, s := range s {
		if n := step(s, hushed, 50); n != 0 {
			t.Fatalf("%d packets of silence were forwarded", n)
		}
	}
	if n := step(s[0], speech, 30); n != 30 {
		t.Fatalf("of the first speaker's 30 packets %d were forwarded", n)
	}
	if n := step(s[1], speech, 30); n != 30 {
		t.Fatalf("of the second speaker's 30 packets %d were forwarded", n)
	}
	now := s[1].now
	for _, s := range s {
		s.now = now
	}
	if n := step(s[2], speech, 30); n != 0 {
		t.Fatalf("a third, as loud as the others, got in with %d packets", n)
	}
	for range 100 { // the two go on
		step(s[0], speech, 1)
		step(s[1], speech, 1)
	}
	s[2].now = s[0].now
	if n := step(s[2], louder, 10); n < 8 {
		t.Fatalf("of 10 packets that are 20 dB louder only %d were forwarded", n)
	}
	held := s[0]
	if n := step(held, speech, 1); n == 1 {
		held = s[1]
	}
	if n := step(held, speech, 20); n != 0 {
		t.Fatalf("the one who was pushed out got %d packets through", n)
	}
	// When the floor has no speaker on it, the next is let in with the first packet.
	held.now += 5e9
	if n := step(held, speech, 1); n != 1 {
		t.Fatal("the first packet of a new speaker was held back")
	}
}

func TestSmallRoomsForwardAll(t *testing.T) {
	e := newLargeRoom(t, 1, 3)
	s := []*talker{newTalker(t, e, 0), newTalker(t, e, 1), newTalker(t, e, 2)}
	listener(t, e, s)
	for _, s := range s {
		if n := sent(e, func() { s.say(hushed, 10) }); n != 10 {
			t.Fatalf("%d of 10 packets were forwarded", n)
		}
	}
	fourth := newTalker(t, e, 3) // now it is large
	if n := sent(e, func() { s[0].say(hushed, 10) }); n != 0 {
		t.Fatalf("%d packets of silence were forwarded in a large session", n)
	}
	if n := sent(e, func() { s[1].say(speech, 10) }); n != 10 {
		t.Fatalf("%d of 10 packets of speech were forwarded", n)
	}
	fourth.wire.transport.SetGate(fourth.stream, video.Audio, false) // who is muted makes no crowd
	if n := sent(e, func() { s[0].say(hushed, 10) }); n != 10 {
		t.Fatalf("%d of 10 packets were forwarded when it was small again", n)
	}
}

// TestSizesInPlaceOfLevels: sources that tell no levels have no more places than others. What they send in silence takes none.
func TestSizesInPlaceOfLevels(t *testing.T) {
	e := newLargeRoom(t, 2, 3)
	var s []*talker
	for i := range 5 {
		s = append(s, newTalker(t, e, i))
	}
	listener(t, e, s)
	silent := func(of *talker, packets int) int {
		return sent(e, func() {
			for range packets {
				of.now += 20e6
				p := of.make(false)
				p.Payload = p.Payload[:1] // as Opus does with DTX
				of.wire.push(p, of.now)
			}
		})
	}
	sounds := func(of *talker, packets int) int { // without a level
		return sent(e, func() {
			for range packets {
				of.now += 20e6
				p := of.make(false)
				p.Payload = append(p.Payload, make([]byte, 80)...)
				of.wire.push(p, of.now)
			}
		})
	}
	quiet := func(of *talker, packets int) int { // by a variable bit rate
		return sent(e, func() {
			for range packets {
				of.now += 20e6
				p := of.make(false)
				p.Payload = append(p.Payload, make([]byte, 25)...)
				of.wire.push(p, of.now)
			}
		})
	}
	if n := silent(s[0], 10); n != 0 {
		t.Errorf("%d packets of silence were forwarded", n)
	}
	for _, of := range s[:2] {
		if n := sounds(of, 30); n != 30 {
			t.Errorf("of 30 packets of sound %d were forwarded", n)
		}
	}
	s[2].now, s[3].now, s[4].now = s[1].now, s[1].now, s[1].now
	if n := sounds(s[2], 30); n != 0 {
		t.Errorf("a third got in with %d packets", n)
	}
	for range 100 {
		sounds(s[0], 1)
		sounds(s[1], 1)
	}
	s[3].now = s[1].now
	if n := sent(e, func() { s[3].say(louder, 10) }); n < 8 {
		t.Errorf("of 10 loud packets %d were forwarded", n)
	}
	if v := e.Voices("s", nil); len(v) != 1 || v[0].StreamID != s[3].stream {
		t.Errorf("heard %+v, of which only one tells levels", v)
	}
	for _, of := range s[:4] { // a second and a half of what is spent on silence
		of.now = s[3].now
		quiet(of, 75)
	}
	s[4].now = s[3].now
	if n := sounds(s[4], 10); n != 10 {
		t.Errorf("of 10 packets of sound %d were forwarded when the others were silent", n)
	}
}
