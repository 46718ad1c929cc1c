package live_test

import (
	"context"
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// joinMixed joins somebody whose audio goes both ways.
func (h *house) joinMixed(change ...func(*live.JoinRequest)) *observer {
	h.t.Helper()
	o := newObserver()
	request := h.request(o)
	request.Plain, request.TwoWayAudio = true, true
	for _, f := range change {
		f(&request)
	}
	p, _, err := h.host.Join(context.Background(), request)
	if err != nil {
		h.t.Fatalf("join: %v", err)
	}
	o.Participant = p
	return o
}

// wantMix checks that there is one mix, and who is heard in it.
func (h *house) wantMix(heard ...string) *livetest.Mix {
	h.t.Helper()
	mixes := h.mixer.Mixes()
	if len(mixes) != 1 {
		h.t.Fatalf("there are %d mixes", len(mixes))
	}
	slices.Sort(heard)
	if got := mixes[0].Heard(); !slices.Equal(got, heard) {
		h.t.Errorf("heard are %v, want %v", got, heard)
	}
	return mixes[0]
}

func (h *house) wantNoMix() {
	h.t.Helper()
	if n := len(h.mixer.Mixes()); n != 0 {
		h.t.Errorf("there are %d mixes", n)
	}
}

func stream(o *observer) string { return string(o.id) }
func leg(o *observer) string    { return string(o.id) + "+" }

// say has a client send on its two-way line, which is of its first connection.
func (h *house) say(o *observer, number uint64) {
	for _, t := range h.media.All() {
		if t.Participant() == o.id {
			t.ReceiveLeg(&packet.Media{Number: number})
			return
		}
	}
}

// TestMix: there is one while somebody needs it, and in it is what may be heard.
func TestMix(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		camera := a.publish(t, "self")
		h.wantNoMix()

		b := h.joinMixed()
		mix := h.wantMix(stream(a), leg(b))
		if got := mix.Listening(); !slices.Equal(got, []video.ParticipantID{b.id}) {
			t.Errorf("listening are %v", got)
		}
		h.send(a, camera, video.Audio, 7)
		h.send(a, camera, video.Video, 8)
		h.say(b, 9)
		if got := mix.Taken(a.id, false); !slices.Equal(got, []uint64{7}) {
			t.Errorf("of the stream %v", got)
		}
		if got := mix.Taken(b.id, true); !slices.Equal(got, []uint64{9}) {
			t.Errorf("of the leg %v", got)
		}
		second := h.joinMixed()
		published, own := b.on(t, "self", removals(new([]video.LeftReason)))
		h.wantMix(stream(a), leg(b), stream(b), leg(second))

		if _, err := h.moderate("mute", a.SessionID(), these(a, b)); err != nil {
			t.Fatal(err)
		}
		h.wantMix(leg(second))
		h.send(a, camera, video.Audio, 10)
		h.say(b, 11)
		if n := len(mix.Taken(a.id, false)) + len(mix.Taken(b.id, true)); n != 2 {
			t.Errorf("%d packets, some of those who are muted", n)
		}
		late, _ := b.on(t, "presentation", removals(new([]video.LeftReason)))
		h.wantMix(leg(second))
		if _, err := h.moderate("unmute", a.SessionID(), these(a, b)); err != nil {
			t.Fatal(err)
		}
		h.wantMix(stream(a), leg(b), stream(b), stream(b), leg(second))
		late.Close()
		off := false
		if err := b.UpdateStream(t.Context(), own, &off, nil, nil); err != nil {
			t.Fatal(err)
		}
		h.wantMix(stream(a), leg(b), leg(second))
		published.Close()
		if err := a.Unpublish(t.Context(), camera, nil); err != nil {
			t.Fatal(err)
		}
		h.wantMix(leg(b), leg(second))
		again := a.publish(t, "again")

		b.Leave(video.LeftByChoice)
		h.wantMix(stream(a), leg(second))
		second.Leave(video.LeftByChoice)
		h.wantNoMix()
		h.send(a, again, video.Audio, 12) // to nobody

		last := h.joinMixed()
		mix = h.wantMix(stream(a), leg(last))
		h.send(a, again, video.Audio, 13)
		if got := mix.Taken(a.id, false); !slices.Equal(got, []uint64{13}) {
			t.Errorf("of the stream %v", got)
		}
		if _, err := h.host.EndSession(t.Context(), h.room.ID, a.SessionID()); err != nil {
			t.Fatal(err)
		}
		h.wantNoMix()
	})
}

// TestMixAsGrantsAllow: who may not publish is not heard, who may not subscribe hears nothing, and a new token may change that.
func TestMixAsGrantsAllow(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		mute := h.joinMixed(func(r *live.JoinRequest) { r.Grant.Grants.Publish = false })
		deaf := h.joinMixed(func(r *live.JoinRequest) { r.Grant.Grants.Subscribe = false })
		mix := h.wantMix(leg(deaf))
		h.say(mute, 1)
		if got := mix.Listening(); !slices.Equal(got, []video.ParticipantID{mute.id}) {
			t.Errorf("listening are %v", got)
		}
		for _, o := range []*observer{mute, deaf} {
			if err := o.Renew(t.Context(), h.grant()); err != nil {
				t.Fatal(err)
			}
		}
		h.wantMix(leg(deaf), leg(mute))
		if got := mix.Listening(); !slices.Equal(got, []video.ParticipantID{mute.id, deaf.id}) {
			t.Errorf("listening are %v", got)
		}
		h.say(mute, 2)
		if got := mix.Taken(mute.id, true); !slices.Equal(got, []uint64{2}) {
			t.Errorf("of the leg %v", got)
		}
	})
}

// TestSumOfStreams: a client whose leg is the sum of its streams is heard on it while one of them has sound.
func TestSumOfStreams(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.joinMixed(func(r *live.JoinRequest) { r.SumOfStreams = true })
		h.wantMix()
		first, id := a.on(t, "self", removals(new([]video.LeftReason)))
		h.wantMix(leg(a), stream(a))
		on, off := true, false
		for _, audio := range []*bool{&off, &on} {
			if err := a.UpdateStream(t.Context(), id, audio, nil, nil); err != nil {
				t.Fatal(err)
			}
			h.say(a, 1)
			if *audio {
				h.wantMix(leg(a), stream(a))
			} else {
				h.wantMix()
			}
		}
		a.on(t, "presentation", removals(new([]video.LeftReason)))
		first.Close()
		mix := h.wantMix(leg(a), stream(a))
		if got := mix.Taken(a.id, true); len(got) != 1 {
			t.Errorf("of the leg %v", got)
		}
	})
}

// TestMixGoesOnWithAnotherConnection: a client whose connection was replaced is heard from the new one.
func TestMixGoesOnWithAnotherConnection(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.media.VideoCodec = "vp9"
		a := h.join()
		b := h.joinMixed()
		camera := a.publish(t, "self")
		if told := notices[live.StreamPublished](b); len(told) != 1 || told[0].Stream.VideoCodec != "vp9" {
			t.Errorf("told is %+v", told)
		}
		mix := h.mixer.Mixes()[0]
		err := a.ReplaceMedia(t.Context(), live.ReplaceRequest{
			Offer: livetest.Offer("0 audio sendonly", "1 video sendonly"),
			Lines: map[video.StreamID]video.Lines{camera: {AudioMID: "0", VideoMID: "1"}},
		}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		h.send(a, camera, video.Audio, 5)
		if got := mix.Taken(a.id, false); !slices.Equal(got, []uint64{5}) {
			t.Errorf("of the stream %v", got)
		}
	})
}
