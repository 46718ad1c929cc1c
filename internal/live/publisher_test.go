package live_test

import (
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// removals keeps why a connection ended.
func removals(reasons *[]video.LeftReason) live.Listener {
	return live.ListenerFunc(func(n live.Notice) {
		if r, ok := n.(live.Removed); ok {
			*reasons = append(*reasons, r.Reason)
		}
	})
}

// on publishes a stream over a further connection.
func (o *observer) on(t *testing.T, key string, listener live.Listener) (*live.Publisher, video.StreamID) {
	t.Helper()
	b, err := o.NewPublisher(t.Context(), listener)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Negotiate(t.Context(), livetest.Offer("0 audio sendonly", "1 video sendonly")); err != nil {
		t.Fatal(err)
	}
	published, err := b.Publish(t.Context(), live.PublishRequest{
		Key: key, Audio: &live.Line{MID: "0", Enabled: true}, Video: &live.Line{MID: "1", Enabled: true},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b, published.StreamID
}

// TestSeveralConnectionsAreOneParticipant: each carries its stream on lines of its own, under one participant's keys and marks.
func TestSeveralConnectionsAreOneParticipant(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		var ends []video.LeftReason
		first, camera := a.on(t, "self", removals(&ends))
		_, screen := a.on(t, "presentation", removals(&ends))
		if got := notices[live.StreamPublished](b); len(got) != 2 || got[0].Stream.ParticipantID != a.id || got[1].Stream.ParticipantID != a.id {
			t.Errorf("b heard %v", got)
		}
		if len(notices[live.ParticipantJoined](b)) != 0 {
			t.Error("a connection came as a participant")
		}
		_, err := first.Publish(t.Context(), live.PublishRequest{Key: "self", Audio: &live.Line{MID: "2"}}, nil)
		wantCode(t, err, video.CodeKeyInUse)
		if _, err := h.host.Mute(t.Context(), h.room.ID, a.SessionID(), video.Selection{All: true}); err != nil {
			t.Fatal(err)
		}
		for _, transport := range h.media.All() {
			if transport.Gate(camera, video.Audio) || transport.Gate(screen, video.Audio) {
				t.Error("a muted stream has an open gate")
			}
		}
		transports := h.media.Open()
		first.Close()
		first.Close()
		if got := notices[live.StreamUnpublished](b); len(got) != 1 || got[0].ID != camera {
			t.Errorf("b heard %v", got)
		}
		if h.media.Open() != transports-1 || len(ends) != 1 {
			t.Errorf("%d transports of %d, ends %v", h.media.Open(), transports, ends)
		}
		_, err = first.Publish(t.Context(), live.PublishRequest{Key: "late", Audio: &live.Line{MID: "0"}}, nil)
		wantCode(t, err, video.CodeState)
		a.Leave(video.LeftByChoice)
		settle()
		if len(ends) != 2 || h.media.Open() != 1 {
			t.Errorf("after the leave: ends %v, %d transports", ends, h.media.Open())
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		for range video.MaxStreamsPerParticipant {
			if _, err := a.NewPublisher(t.Context(), removals(new([]video.LeftReason))); err != nil {
				t.Fatal(err)
			}
		}
		open := h.media.Open()
		_, err := a.NewPublisher(t.Context(), removals(new([]video.LeftReason)))
		wantCode(t, err, video.CodeTooMany)
		if h.media.Open() != open {
			t.Error("the refused connection is open")
		}
	})
}

// TestWatchOfAParticipant ends with the stream, with its closing, and with the participant.
func TestWatchOfAParticipant(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t, func(c *live.Config) { c.MaxViewers = 1 })
		defer h.close()
		a, b := h.join(), h.join()
		source, camera := a.on(t, "self", removals(new([]video.LeftReason)))
		_, screen := a.on(t, "presentation", removals(new([]video.LeftReason)))
		var ends []video.LeftReason
		watch := func(id video.StreamID) *live.Viewer {
			v, err := b.Watch(t.Context(), video.Subscription{StreamID: id, Audio: true, Video: true}, removals(&ends))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Offer(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := v.Accept(t.Context(), livetest.Offer("0 audio recvonly", "1 video recvonly")); err != nil {
				t.Fatal(err)
			}
			return v
		}
		one, _, three := watch(camera), watch(camera), watch(screen) // beyond what WHEP may
		if err := one.Update(t.Context(), false, true); err != nil {
			t.Fatal(err)
		}
		_, err := a.Watch(t.Context(), video.Subscription{StreamID: camera}, removals(&ends))
		wantCode(t, err, video.CodeInvalid)
		one.Close()
		source.Close()
		settle()
		if len(ends) != 2 || ends[1] != live.StreamEnded {
			t.Errorf("ends %v", ends)
		}
		wantCode(t, one.Update(t.Context(), true, true), video.CodeState)
		_, err = b.Watch(t.Context(), video.Subscription{StreamID: camera}, removals(&ends))
		wantCode(t, err, video.CodeStreamNotFound)
		b.Leave(video.LeftByChoice)
		settle()
		if len(ends) != 3 {
			t.Errorf("ends %v", ends)
		}
		three.Close() // does nothing
		var told []video.HappeningType
		for _, happened := range h.journal.Happenings() {
			switch happened.Type {
			case video.HappenedSubscribed, video.HappenedSubscriptionChanged, video.HappenedUnsubscribed:
				told = append(told, happened.Type)
			}
		}
		if len(told) != 5 {
			t.Errorf("the record has %v", told)
		}
	})
}

func TestVacancy(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		if err := h.host.Vacancy(t.Context(), h.grant()); err != nil {
			t.Errorf("an idle room: %v", err)
		}
		a := h.join()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.MaxParticipants = 1 })
		wantCode(t, h.host.Vacancy(t.Context(), h.grant()), video.CodeRoomFull)
		a.Leave(video.LeftByChoice)
		if err := h.host.Vacancy(t.Context(), h.grant()); err != nil {
			t.Errorf("an empty room: %v", err)
		}
		h.rooms.Delete(h.room.ID)
		wantCode(t, h.host.Vacancy(t.Context(), h.grant()), video.CodeRoomNotFound)
	})
}
