package live_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func ignore(string) {}

func TestReplacedMediaGoesOnUnderItsIDs(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		kept, dropped, theirs := a.publish(t, "self"), a.publish(t, "presentation"), b.publish(t, "self")
		off := false
		if err := a.UpdateStream(t.Context(), kept, nil, &off, nil); err != nil {
			t.Fatal(err)
		}
		for from, id := range map[*observer]video.StreamID{b: kept, a: theirs} {
			if err := from.Subscribe(t.Context(), video.Subscription{StreamID: id, Audio: true, Video: true}, nil); err != nil {
				t.Fatal(err)
			}
		}
		before := h.media.Transport(a.id)
		answered := false
		err := a.ReplaceMedia(t.Context(), live.ReplaceRequest{
			Offer: livetest.Offer("x audio sendonly", "y video sendonly", "p audio recvonly", "q video recvonly"),
			Lines: map[video.StreamID]video.Lines{kept: {AudioMID: "x", VideoMID: "y"}},
		}, func(string) { answered = true })
		if err != nil || !answered {
			t.Fatal(err, answered)
		}
		settle()
		after := h.media.Transport(a.id)
		if after == before || !before.Closed() {
			t.Error("the transport before is still there")
		}
		if !after.Gate(kept, video.Audio) || after.Gate(kept, video.Video) {
			t.Error("the gates are not as they were")
		}
		if got := notices[live.StreamUnpublished](b); len(got) != 1 || got[0].ID != dropped {
			t.Errorf("b heard of %v, want %s", got, dropped)
		}
		if got := notices[live.StreamUnpublished](a); len(got) != 1 || got[0].ID != dropped {
			t.Errorf("a heard of %v, want %s", got, dropped)
		}
		if got := h.media.Transport(b.id).Subscriptions(); len(got) != 1 || got[0].StreamID != kept {
			t.Errorf("b takes %v", got)
		}
		got := notices[live.Receiving](a)
		want := []video.ReceiveLine{{MID: "p", StreamID: theirs, Kind: video.Audio}, {MID: "q", StreamID: theirs, Kind: video.Video}}
		if len(got) == 0 || !slices.Equal(got[len(got)-1].Lines, want) {
			t.Errorf("a receives %v, want %v", got, want)
		}
		before.Updates().Failed(errors.New("late"))
		after.Updates().Connected()
		settle()
		if len(notices[live.MediaFailed](a)) != 0 || len(notices[live.MediaConnected](a)) != 1 {
			t.Errorf("a heard %v", a.heard)
		}
	})
}

// Whose picture was paused when either side's media is replaced: its subscription begins another time, and so unpaused.
func TestReplacedMediaBeginsUnpaused(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		own := a.publish(t, "self")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: own, Video: true}, nil); err != nil {
			t.Fatal(err)
		}
		replace := func(of *observer, lines map[video.StreamID]video.Lines, offer ...string) {
			t.Helper()
			before := len(notices[live.VideoPaused](b))
			h.media.Transport(b.id).Updates().Paused(own, true)
			settle()
			if err := of.ReplaceMedia(t.Context(), live.ReplaceRequest{Offer: livetest.Offer(offer...), Lines: lines}, ignore); err != nil {
				t.Fatal(err)
			}
			settle()
			want := []live.VideoPaused{{ID: own, Paused: true}, {ID: own}}
			if got := notices[live.VideoPaused](b)[before:]; !slices.Equal(got, want) {
				t.Errorf("told of pauses: %v, want %v", got, want)
			}
		}
		replace(a, map[video.StreamID]video.Lines{own: {AudioMID: "x", VideoMID: "y"}}, "x audio sendonly", "y video sendonly")
		replace(b, nil, "p audio recvonly", "q video recvonly")
	})
}

func TestReplacingMediaThatIsRefusedChangesNothing(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		own := a.publish(t, "self")
		before := h.media.Transport(a.id)
		offer := livetest.Offer("x audio sendonly", "y video sendonly")
		replace := func(audio, picture string) error {
			lines := map[video.StreamID]video.Lines{own: {AudioMID: audio, VideoMID: picture}}
			return a.ReplaceMedia(t.Context(), live.ReplaceRequest{Offer: offer, Lines: lines}, ignore)
		}
		wantCode(t, replace("y", "x"), video.CodeInvalid)
		wantCode(t, replace("z", ""), video.CodeInvalid)
		h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { return errors.New("no") }
		wantCode(t, replace("x", "y"), video.CodeMedia)
		h.media.NewError = errors.New("no ports")
		wantCode(t, replace("x", "y"), video.CodeMedia)
		h.media.NewError, h.media.OnNegotiate = nil, nil
		if before.Closed() || len(notices[live.StreamUnpublished](a)) != 0 {
			t.Error("something changed")
		}
		if err := replace("x", "y"); err != nil {
			t.Error("and then:", err)
		}
	})
}

func TestReplacedMediaIsRecordedOn(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.EnableRecording = true })
		a := h.join()
		own := a.publish(t, "self")
		err := a.ReplaceMedia(t.Context(), live.ReplaceRequest{
			Offer: livetest.Offer("x audio sendonly", "y video sendonly"),
			Lines: map[video.StreamID]video.Lines{own: {AudioMID: "x", VideoMID: "y"}},
		}, ignore)
		if err != nil {
			t.Fatal(err)
		}
		if all, running := len(h.tapes.Recordings()), len(h.tapes.Running()); all != 2 || running != 1 {
			t.Errorf("%d recordings, %d running", all, running)
		}
		if n := h.media.Transport(a.id).Recorded(own); n != 2 {
			t.Errorf("%d kinds are recorded", n)
		}
	})
}
