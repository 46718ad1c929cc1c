package live_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

var everyone = video.Selection{All: true}

func these(people ...*observer) (selection video.Selection) {
	for _, o := range people {
		selection.IDs = append(selection.IDs, o.id)
	}
	return selection
}

// moderate is one of the host's moderations, by name.
func (h *house) moderate(what string, session video.SessionID, selection video.Selection) ([]video.ParticipantID, error) {
	act := map[string]func(context.Context, video.RoomID, video.SessionID, video.Selection) ([]video.ParticipantID, error){
		"mute": h.host.Mute, "unmute": h.host.Unmute, "kick": h.host.Kick,
		"start_recording": h.host.StartRecording, "stop_recording": h.host.StopRecording,
	}[what]
	return act(context.Background(), h.room.ID, session, selection)
}

func wantChanged(t *testing.T, got []video.ParticipantID, err error, want ...*observer) {
	t.Helper()
	var ids []video.ParticipantID
	for _, o := range want {
		ids = append(ids, o.id)
	}
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("changed %v, want %v (%v)", got, ids, err)
	}
}

func TestMuteHoldsAudioBackForEveryone(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		session := a.SessionID()
		first := a.publish(t, "self")
		theirs := b.publish(t, "self")
		transport := h.media.Transport(a.id)

		changed, err := h.moderate("mute", session, these(a))
		wantChanged(t, changed, err, a)
		for _, o := range []*observer{a, b} { // its owner too
			got := notices[live.StreamUpdated](o)
			if len(got) != 1 || got[0].Stream.ID != first || !got[0].Stream.AudioCensored || !got[0].Stream.AudioEnabled || got[0].Stream.VideoCensored {
				t.Errorf("heard %v", got)
			}
		}
		if transport.Gate(first, video.Audio) || !transport.Gate(first, video.Video) || !h.media.Transport(b.id).Gate(theirs, video.Audio) {
			t.Error("the gates are not as muted")
		}
		on, off := true, false
		if err := a.UpdateStream(t.Context(), first, &off, nil, nil); err != nil {
			t.Fatal(err)
		}
		if err := a.UpdateStream(t.Context(), first, &on, nil, nil); err != nil {
			t.Fatal(err)
		}
		if transport.Gate(first, video.Audio) {
			t.Error("the owner lifted the mute")
		}

		later := a.publish(t, "later")
		if transport.Gate(later, video.Audio) || !transport.Gate(later, video.Video) {
			t.Error("a later stream is not muted from the start")
		}
		if got := notices[live.StreamPublished](b); !got[len(got)-1].Stream.AudioCensored {
			t.Errorf("b heard %v", got)
		}
		if got := notices[live.StreamUpdated](a); len(got) != 2 || got[1].Stream.ID != later || !got[1].Stream.AudioCensored {
			t.Errorf("the owner of the later stream heard %v", got)
		}
		changed, err = h.moderate("mute", session, everyone) // a is muted already
		wantChanged(t, changed, err, b)

		changed, err = h.moderate("unmute", session, these(a))
		wantChanged(t, changed, err, a)
		if !transport.Gate(first, video.Audio) || !transport.Gate(later, video.Audio) {
			t.Error("the gates stayed closed")
		}
		if h.media.Transport(b.id).Gate(theirs, video.Audio) {
			t.Error("someone else was unmuted")
		}
		changed, err = h.moderate("unmute", session, these(a))
		wantChanged(t, changed, err)
	})
}

// What its owner switched off stays off when a moderator unmutes.
func TestUnmuteSwitchesNothingOn(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		id := a.publish(t, "self")
		off := false
		if err := a.UpdateStream(t.Context(), id, &off, nil, nil); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"mute", "unmute"} {
			if _, err := h.moderate(what, a.SessionID(), everyone); err != nil {
				t.Fatal(err)
			}
		}
		if h.media.Transport(a.id).Gate(id, video.Audio) {
			t.Error("the microphone was switched on")
		}
	})
}

func TestMutedBeforePublishingAndWithoutAudio(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		changed, err := h.moderate("mute", a.SessionID(), these(a))
		wantChanged(t, changed, err, a)
		request := publishRequest("screen")
		request.Audio = nil
		published, err := a.Publish(t.Context(), request, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := notices[live.StreamPublished](b); len(got) != 1 || got[0].Stream.AudioCensored {
			t.Errorf("a stream without audio: %v", got)
		}
		if len(notices[live.StreamUpdated](a)) != 0 || !h.media.Transport(a.id).Gate(published.StreamID, video.Video) {
			t.Error("a stream without audio was touched")
		}
	})
}

func TestSelection(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, c := h.join(), h.join(), h.join()
		gone := h.join()
		gone.Leave(video.LeftByChoice)
		unknown := video.ParticipantID(video.NewUUID())
		session := a.SessionID()
		for _, what := range []string{"mute", "unmute", "kick"} {
			selection := video.Selection{IDs: []video.ParticipantID{a.id, unknown, b.id, gone.id}}
			changed, err := h.moderate(what, session, selection)
			if len(changed) != 0 {
				t.Errorf("%s changed %v", what, changed)
			}
			joined, ok := err.(interface{ Unwrap() []error })
			if !ok {
				t.Fatalf("%s: %v", what, err)
			}
			var fields []string
			for _, one := range joined.Unwrap() {
				wantCode(t, one, video.CodeParticipantNotFound)
				var e *video.Error
				if errors.As(one, &e) {
					fields = append(fields, e.Field)
				}
			}
			if !slices.Equal(fields, []string{"/participants/1", "/participants/3"}) {
				t.Errorf("%s: fields %v", what, fields)
			}
		}
		changed, err := h.moderate("mute", session, video.Selection{All: true, Exclude: []video.ParticipantID{b.id, unknown}})
		wantChanged(t, changed, err, a, c)
		changed, err = h.moderate("unmute", session, video.Selection{
			IDs: []video.ParticipantID{c.id, a.id, c.id}, Exclude: []video.ParticipantID{a.id},
		})
		wantChanged(t, changed, err, c)
		changed, err = h.moderate("mute", session, video.Selection{})
		wantChanged(t, changed, err)
		if b.reason() != "" || a.reason() != "" {
			t.Error("someone was put out")
		}
	})
}

func TestModerationNeedsARunningSession(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		session, other := a.SessionID(), h.rooms.Add(account, 10)
		refuse := func(room video.RoomID, session video.SessionID) {
			t.Helper()
			for name, act := range map[string]func(context.Context, video.RoomID, video.SessionID, video.Selection) ([]video.ParticipantID, error){
				"mute": h.host.Mute, "unmute": h.host.Unmute, "kick": h.host.Kick,
			} {
				if _, err := act(t.Context(), room, session, everyone); video.CodeOf(err) != video.CodeState {
					t.Errorf("%s: %v", name, err)
				}
			}
			_, err := h.host.EndSession(t.Context(), room, session)
			wantCode(t, err, video.CodeState)
		}
		refuse(h.room.ID, "another")
		refuse(other.ID, session)
		a.Leave(video.LeftByChoice)
		changed, err := h.moderate("mute", session, everyone) // it lingers
		wantChanged(t, changed, err)
		pass(5 * time.Second)
		refuse(h.room.ID, session)
	})
}

func TestEndSession(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		a.publish(t, "self")
		out, err := h.host.EndSession(t.Context(), h.room.ID, a.SessionID())
		wantChanged(t, out, err, a, b)
		if a.reason() != video.LeftSessionEnded || b.reason() != video.LeftSessionEnded || len(notices[live.ParticipantLeft](b)) != 0 {
			t.Errorf("heard %v and %v", a.heard, b.heard)
		}
		if h.media.Open() != 0 {
			t.Error("transports are open after EndSession")
		}
		_, err = h.host.EndSession(t.Context(), h.room.ID, a.SessionID())
		wantCode(t, err, video.CodeState)
		if c := h.join(); c.SessionID() == a.SessionID() {
			t.Error("the session goes on")
		}
		want := "open, join, join, leave session_ended, leave session_ended, end Ended from API, open, join"
		if got := h.journal.String(); got != want {
			t.Errorf("journal: %s", got)
		}
	})
}

func TestEndSessionThatLingers(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		a.Leave(video.LeftByChoice)
		out, err := h.host.EndSession(t.Context(), h.room.ID, a.SessionID())
		wantChanged(t, out, err)
		if got := h.journal.String(); got != "open, join, leave left, end Ended from API" {
			t.Errorf("journal: %s", got)
		}
	})
}

// Who is in the middle of joining belongs to all.
func TestModerationMeetsASeat(t *testing.T) {
	cases := map[string]struct {
		moderate func(h *house, session video.SessionID) ([]video.ParticipantID, error)
		code     video.Code // of the join; empty: it comes in
		left     video.LeftReason
	}{
		"muted": {func(h *house, s video.SessionID) ([]video.ParticipantID, error) {
			return h.moderate("mute", s, everyone)
		}, "", ""},
		"kicked": {func(h *house, s video.SessionID) ([]video.ParticipantID, error) {
			return h.moderate("kick", s, everyone)
		}, video.CodeUnauthorized, video.LeftKicked},
		"ended": {func(h *house, s video.SessionID) ([]video.ParticipantID, error) {
			return h.host.EndSession(context.Background(), h.room.ID, s)
		}, video.CodeUnavailable, video.LeftSessionEnded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close()
				a := h.join()
				h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(time.Second); return nil }
				o := newObserver()
				joined := make(chan error)
				go func() {
					p, _, err := h.host.Join(t.Context(), h.request(o))
					o.Participant = p
					joined <- err
				}()
				pass(500 * time.Millisecond)
				changed, err := c.moderate(h, a.SessionID())
				wantChanged(t, changed, err, a, o)
				err = <-joined
				settle()
				if c.code != "" {
					wantCode(t, err, c.code)
					if o.joined || h.journal.Participant(o.id).LeftReason != c.left {
						t.Errorf("the seat was not turned away: %s", &h.journal)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				id := o.publish(t, "self")
				if h.media.Transport(o.id).Gate(id, video.Audio) {
					t.Error("who was muted on the way in is heard")
				}
				want := []string{"participant_muted a", "participant_muted o", "stream_published o s self audio=true video=true", "track_censored o s self audio"}
				names := map[string]string{string(a.id): "a", string(o.id): "o", string(id): "s"}
				if got := tellings(h, names); !slices.Equal(got, want) {
					t.Errorf("noted %q", got)
				}
			})
		})
	}
}

// A session that only someone on the way in holds open ends when that one is turned away.
func TestSessionOfTheTurnedAwayEnds(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		var session video.SessionID
		h.journal.OnJoin = func(_ context.Context, p video.Participant) error {
			session = p.SessionID
			time.Sleep(time.Second)
			return nil
		}
		joined := make(chan error)
		go func() {
			_, _, err := h.host.Join(t.Context(), h.request(newObserver()))
			joined <- err
		}()
		pass(500 * time.Millisecond)
		if _, err := h.moderate("kick", session, everyone); err != nil {
			t.Fatal(err)
		}
		wantCode(t, <-joined, video.CodeUnauthorized)
		settle()
		if got := h.journal.String(); got != "open, join, leave kicked, end empty" {
			t.Errorf("journal: %s", got)
		}
	})
}
