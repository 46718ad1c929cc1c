package live_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// look is longer than the time between two looks at who speaks.
const look = 250 * time.Millisecond

func speaking(id video.StreamID, loudness int) video.Voice {
	return video.Voice{StreamID: id, Speaks: true, Loudness: loudness}
}

// last returns the speakers as last told, and how often that was.
func (o *observer) speakers() (last live.Speakers, times int) {
	told := notices[live.Speakers](o)
	if len(told) == 0 {
		return live.Speakers{}, 0
	}
	return told[len(told)-1], len(told)
}

func (o *observer) wantSpeakers(t *testing.T, dominant video.ParticipantID, streams ...video.StreamID) {
	t.Helper()
	if got, _ := o.speakers(); got.Dominant != dominant || !slices.Equal(got.Streams, streams) {
		t.Errorf("told of %v, dominant %q; want %v and %q", got.Streams, got.Dominant, streams, dominant)
	}
}

func TestEverybodyIsToldWhoSpeaks(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		voice := a.publish(t, "self")
		screen := a.publish(t, "presentation")
		h.media.Hear(video.Voice{StreamID: voice, Loudness: 60})
		pass(2 * time.Second)
		if _, told := b.speakers(); told != 0 {
			t.Errorf("told %d times of silence", told)
		}
		h.media.Hear(speaking(screen, 80), speaking(voice, 90))
		pass(look)
		for _, o := range []*observer{a, b} {
			o.wantSpeakers(t, a.id, voice, screen)
		}
		late := newObserver()
		request := h.request(late)
		request.Joined = func(s live.Snapshot) {
			late.start(s)
			if s.Speakers.Dominant != a.id || !slices.Equal(s.Speakers.Streams, []video.StreamID{voice, screen}) {
				t.Errorf("who comes later is told %+v", s.Speakers)
			}
		}
		if _, _, err := h.host.Join(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if _, told := b.speakers(); told != 1 {
			t.Errorf("told %d times of one change", told)
		}
		h.media.Hear(video.Voice{StreamID: voice, Loudness: 60})
		pass(look)
		b.wantSpeakers(t, a.id) // the last who spoke stays the dominant speaker
		if got := h.media.Foreground(); !slices.Equal(got, []video.StreamID{voice, screen}) {
			t.Errorf("in the foreground are %v", got)
		}
	})
}

func TestDominantSpeaker(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, c := h.join(), h.join(), h.join()
		va, vb, vc := a.publish(t, "self"), b.publish(t, "self"), c.publish(t, "self")
		hear := func(voices ...video.Voice) { h.media.Hear(voices...); pass(look) }
		hear(speaking(va, 80))
		c.wantSpeakers(t, a.id, va)
		hear(speaking(va, 80), speaking(vb, 84))
		pass(5 * time.Second)
		c.wantSpeakers(t, a.id, va, vb) // a little louder is not enough
		hear(speaking(va, 80), speaking(vb, 95))
		c.wantSpeakers(t, a.id, va, vb) // nor is much louder for a moment
		hear(speaking(va, 80), speaking(vb, 80))
		hear(speaking(va, 80), speaking(vb, 95))
		pass(time.Second)
		c.wantSpeakers(t, b.id, va, vb)
		hear(speaking(va, 80), speaking(vc, 70))
		c.wantSpeakers(t, a.id, va, vc) // b is silent, and a the louder of those who are not
		hear()
		c.wantSpeakers(t, a.id)
		a.Leave(video.LeftByChoice)
		settle()
		c.wantSpeakers(t, "")
		hear(speaking(vc, 50))
		b.wantSpeakers(t, c.id, vc)
	})
}

// TestSilencedNeverSpeak: whoever is muted, or switches the microphone off, or withdraws the stream, speaks no more, at once.
func TestSilencedNeverSpeak(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		voice := a.publish(t, "self")
		on, off := true, false
		for name, silence := range map[string][2]func(){
			"muted": {
				func() { _, _ = h.moderate("mute", a.SessionID(), these(a)) },
				func() { _, _ = h.moderate("unmute", a.SessionID(), these(a)) },
			},
			"disabled": {
				func() { _ = a.UpdateStream(t.Context(), voice, &off, nil, nil) },
				func() { _ = a.UpdateStream(t.Context(), voice, &on, nil, nil) },
			},
			"unpublished": {
				func() { _ = a.Unpublish(t.Context(), voice, nil) },
				func() { voice = a.publish(t, "self") },
			},
		} {
			h.media.Hear(speaking(voice, 90))
			pass(look)
			b.wantSpeakers(t, a.id, voice)
			silence[0]()
			settle()
			if got, _ := b.speakers(); len(got.Streams) != 0 {
				t.Errorf("%s, and still speaks", name)
			}
			_, before := b.speakers()
			pass(2 * time.Second)
			if _, told := b.speakers(); told != before {
				t.Errorf("%s, and spoke again", name)
			}
			silence[1]()
		}
	})
}
