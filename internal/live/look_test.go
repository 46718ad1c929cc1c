package live_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (h *house) look(t *testing.T, session video.SessionID) video.LiveSession {
	t.Helper()
	seen, err := h.host.Look(t.Context(), h.room.ID, session)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestLook(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		session := a.SessionID()
		stream := a.publish(t, "self")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: stream, Audio: true, Video: true}, nil); err != nil {
			t.Fatal(err)
		}
		if seen := h.look(t, session); seen.Recording || seen.Participants[0].Muted || seen.Participants[0].Streams[0].Recorded {
			t.Errorf("at first %+v", seen)
		}
		for _, what := range []string{"mute", "start_recording"} {
			if _, err := h.moderate(what, session, these(a)); err != nil {
				t.Fatal(err)
			}
		}
		seen := h.look(t, session)
		if len(seen.Participants) != 2 || !seen.Recording {
			t.Fatalf("%+v", seen)
		}
		first, second := seen.Participants[0], seen.Participants[1]
		if first.ID != a.id || !first.Muted || !first.Recorded || len(first.Streams) != 1 || len(first.Subscriptions) != 0 {
			t.Errorf("%+v", first)
		} else if st := first.Streams[0]; st.ID != stream || !st.HasAudio || !st.HasVideo || !st.Recorded || !st.AudioCensored {
			t.Errorf("%+v", st)
		}
		if second.ID != b.id || second.Muted || second.Watcher || len(second.Subscriptions) != 1 || second.Subscriptions[0].StreamID != stream {
			t.Errorf("%+v", second)
		}
		a.Leave(video.LeftByChoice)
		if seen := h.look(t, session); len(seen.Participants) != 1 || len(seen.Participants[0].Subscriptions) != 0 {
			t.Errorf("after one left: %+v", seen)
		}
		b.Leave(video.LeftByChoice)
		if _, err := h.host.EndSession(t.Context(), h.room.ID, session); err != nil {
			t.Fatal(err)
		}
		if _, err := h.host.Look(t.Context(), h.room.ID, session); video.CodeOf(err) != video.CodeState {
			t.Errorf("of a session that has ended: %v", err)
		}
	})
}

// watch joins as somebody who watches.
func (h *house) watch(o *observer) error {
	request := h.request(o)
	request.Grant.Watcher, request.Grant.Grants = "Ada", video.Grants{Subscribe: true}
	request.Context = "nobody in particular"
	p, _, err := h.host.Join(context.Background(), request)
	o.Participant = p
	return err
}

// Nobody watches unseen: everyone is told, by the server's own words.
func TestWatcherIsSeen(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		if err := h.watch(newObserver()); video.CodeOf(err) != video.CodeState {
			t.Fatalf("a session was opened to be watched: %v", err)
		}
		a, w := h.join(), newObserver()
		if err := h.watch(w); err != nil {
			t.Fatal(err)
		}
		told := notices[live.ParticipantJoined](a)
		if len(told) != 1 || !told[0].Participant.Watcher {
			t.Fatalf("told %+v", told)
		}
		var context struct {
			Name    string
			Watcher bool
		}
		if err := json.Unmarshal([]byte(told[0].Participant.Context), &context); err != nil || context.Name != "Ada (watching)" || !context.Watcher {
			t.Errorf("told the context %s", told[0].Participant.Context)
		}
		if seen := h.look(t, a.SessionID()).Participants[1]; !seen.Watcher || seen.Context != told[0].Participant.Context {
			t.Errorf("%+v", seen)
		}
		// The token is good for nothing else, and no other makes one who watches into one who does not.
		if err := w.Renew(t.Context(), h.grant()); video.CodeOf(err) != video.CodeUnauthorized {
			t.Errorf("renewed by a token to join: %v", err)
		}
		watching := h.grant()
		watching.Watcher, watching.Grants = "Ada", video.Grants{Subscribe: true}
		if err := w.Renew(t.Context(), watching); err != nil {
			t.Errorf("renewed by a token to watch: %v", err)
		}
		if err := a.Renew(t.Context(), watching); video.CodeOf(err) != video.CodeUnauthorized {
			t.Errorf("another went on as one who watches: %v", err)
		}
		if _, err := h.host.Watch(t.Context(), live.WatchRequest{Grant: watching, Participant: a.id, Key: "self", Audio: true}); video.CodeOf(err) != video.CodeForbidden {
			t.Errorf("watched unseen: %v", err)
		}
		if _, err := h.moderate("kick", a.SessionID(), these(w)); err != nil {
			t.Error(err)
		}
	})
}
