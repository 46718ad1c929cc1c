package live_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// tellings writes each happening as one line: type, who, of whom, stream, and what else it says.
func tellings(h *house, names map[string]string) (lines []string) {
	for _, n := range h.journal.Happenings() {
		line := []string{string(n.Type)}
		for _, id := range []string{string(n.ParticipantID), string(n.PublisherID), string(n.StreamID)} {
			if id != "" {
				line = append(line, names[id])
			}
		}
		for _, word := range []string{n.Key, string(n.Kind), string(n.Quality), n.Layer, n.Reason} {
			if word != "" {
				line = append(line, word)
			}
		}
		if n.Audio != nil && n.Video != nil {
			line = append(line, fmt.Sprintf("audio=%v video=%v", *n.Audio, *n.Video))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return lines
}

func TestHappenings(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		on, off := true, false
		request := publishRequest("self")
		request.Video.Enabled = false
		published, err := a.Publish(t.Context(), request, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := published.StreamID
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		moderate := func(what string) {
			t.Helper()
			_, err := h.moderate(what, a.SessionID(), these(a))
			must(err)
		}
		must(a.UpdateStream(t.Context(), s, &off, &on, nil))
		must(a.UpdateStream(t.Context(), s, &off, &on, nil)) // nothing changes
		must(b.Subscribe(t.Context(), video.Subscription{StreamID: s, Video: true}, nil))
		must(b.Subscribe(t.Context(), video.Subscription{StreamID: s, Video: true, Quality: video.QualityHigh}, nil)) // the same
		must(b.UpdateSubscription(t.Context(), video.Subscription{StreamID: s, Audio: true, Video: true, Quality: video.QualityLow}, nil))
		must(b.UpdateSubscription(t.Context(), video.Subscription{StreamID: s, Audio: true, Video: true, Quality: video.QualityLow, MaxWidth: 320, MaxHeight: 180, Hidden: true}, nil)) // how it is shown is nobody's history
		updates := h.media.Transport(b.id).Updates()
		updates.Connected()
		settle()
		updates.Layer(s, "f")
		updates.Layer("never subscribed", "f")
		updates.Layer(s, "q") // the last counts
		settle()
		updates.Failed(errors.New("silence"))
		settle()
		updates.Connected()
		settle()
		moderate("mute")
		moderate("mute") // nothing changes
		later := a.publish(t, "later")
		moderate("unmute")
		must(b.Unsubscribe(t.Context(), s, nil))
		updates.Layer(s, "h")
		settle()
		must(a.Unpublish(t.Context(), s, nil))
		must(b.Subscribe(t.Context(), video.Subscription{StreamID: later}, nil))
		a.Leave(video.LeftByChoice) // takes along its stream and the subscription

		names := map[string]string{string(a.id): "a", string(b.id): "b", string(s): "s", string(later): "l"}
		want := []string{
			"stream_published a s self audio=true video=false",
			"track_disabled a s self audio",
			"track_enabled a s self video",
			"subscription_started b a s high audio=false video=true",
			"subscription_updated b a s low audio=true video=true",
			"media_connected b",
			"layer_changed b a s q",
			"media_lost b",
			"media_connected b",
			"participant_muted a",
			"track_censored a s self audio",
			"stream_published a l later audio=true video=true",
			"track_censored a l later audio",
			"participant_unmuted a",
			"track_uncensored a s self audio",
			"track_uncensored a l later audio",
			"subscription_ended b a s",
			"stream_unpublished a s self",
			"subscription_started b a l high audio=false video=false",
		}
		if got := tellings(h, names); !slices.Equal(got, want) {
			t.Errorf("noted\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// What holds a picture up, and whose client is not heard of.
func TestInterruptionsAreNoted(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		s := a.publish(t, "self")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(b.Subscribe(t.Context(), video.Subscription{StreamID: s, Video: true}, nil))
		updates := h.media.Transport(b.id).Updates()
		for _, paused := range []bool{true, true, false} {
			updates.Paused(s, paused)
			settle()
		}
		for range 2 {
			must(b.LoseConnection(t.Context(), func() bool { return true }))
		}
		must(b.Resume(t.Context(), h.grant(), func(func() live.Snapshot) {}))
		want := []string{
			"stream_published a s self audio=true video=true",
			"subscription_started b a s high audio=false video=true",
			"video_paused b a s",
			"video_resumed b a s",
			"connection_lost b",
			"connection_resumed b",
		}
		if got := tellings(h, map[string]string{string(a.id): "a", string(b.id): "b", string(s): "s"}); !slices.Equal(got, want) {
			t.Errorf("noted\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Whoever is turned away is noted, so often a minute.
func TestRefusalsAreNoted(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.MaxParticipants = 1 })
		h.join()
		knock := func() {
			t.Helper()
			_, _, err := h.host.Join(t.Context(), h.request(newObserver()))
			wantCode(t, err, video.CodeRoomFull)
		}
		for range 100 {
			knock()
		}
		count := func() (n int) {
			for _, line := range h.journal.Happenings() {
				if line.Type == video.HappenedJoinRefused && line.Reason == "room_full" && line.ParticipantID != "" {
					n++
				}
			}
			return n
		}
		if n := count(); n != 30 {
			t.Errorf("%d of 100 refusals in a minute are noted", n)
		}
		pass(time.Minute)
		knock()
		if n := count(); n != 31 {
			t.Errorf("%d refusals are noted a minute later", n)
		}
	})
}
