package signal_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (h *house) session(c *client) video.SessionID {
	return video.SessionID(c.snapshot["session_id"].(string))
}

func only(c *client) video.Selection {
	return video.Selection{IDs: []video.ParticipantID{video.ParticipantID(c.id)}}
}

func TestMuteIsSeenByAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.joined(), h.joined()
	stream := a.ask("publish", publishFields("self"))["stream_id"]
	wantAudio := func(c *client, kind string, id any, censored bool) {
		t.Helper()
		s := c.until(kind)["stream"].(object)
		if s["id"] != id || !reflect.DeepEqual(s["audio"], object{"enabled": true, "censored": censored}) {
			t.Errorf("heard %v", s)
		}
	}
	if _, err := h.host.Mute(t.Context(), h.room.ID, h.session(a), only(a)); err != nil {
		t.Fatal(err)
	}
	wantAudio(a, "stream_updated", stream, true)
	wantAudio(b, "stream_updated", stream, true)
	later := a.ask("publish", object{"key": "later", "audio": object{"mid": "x", "enabled": true}})["stream_id"]
	wantAudio(a, "stream_updated", later, true) // after the reply
	wantAudio(b, "stream_published", later, true)
	a.ask("update_stream", object{"stream_id": stream, "audio": object{"enabled": true}})
	if h.media.Transport(video.ParticipantID(a.id)).Gate(video.StreamID(stream.(string)), video.Audio) {
		t.Error("it lifted its own mute")
	}
	if _, err := h.host.Unmute(t.Context(), h.room.ID, h.session(a), only(a)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{a, b} {
		wantAudio(c, "stream_updated", stream, false)
		wantAudio(c, "stream_updated", later, false)
	}
}

func TestRecordingIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.joined()
	if a.snapshot["recording"] != false {
		t.Errorf("the snapshot is %v", a.snapshot)
	}
	if _, err := h.host.StartRecording(t.Context(), h.room.ID, h.session(a), only(a)); err != nil {
		t.Fatal(err)
	}
	if n := a.until("recording_changed"); n["recording"] != true {
		t.Errorf("heard %v", n)
	}
	if b := h.joined(); b.snapshot["recording"] != true {
		t.Errorf("the snapshot is %v", b.snapshot)
	}
	if _, err := h.host.StopRecording(t.Context(), h.room.ID, h.session(a), only(a)); err != nil {
		t.Fatal(err)
	}
	if n := a.until("recording_changed"); n["recording"] != false {
		t.Errorf("heard %v", n)
	}
}

func TestKickClosesWithItsReason(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	family := func(g *video.Grant) { g.Family = "f" }
	witness, late, c := h.joined(), h.welcomed(family), h.joined(family)
	if _, err := h.host.Kick(t.Context(), h.room.ID, h.session(c), only(c)); err != nil {
		t.Fatal(err)
	}
	c.wantClose("4001 kicked")
	if left := witness.until("participant_left"); left["participant_id"] != c.id || left["reason"] != "kicked" {
		t.Errorf("heard %v", left)
	}
	// Whose token was good when it said hello is refused all the same.
	if got := late.refused("join", object{"participant_id": video.NewUUID()}); got != "unauthorized" {
		t.Errorf("refused with %s", got)
	}
	late.wantClose("4401 unauthorized")
	if got := witness.refused("update_token", object{"token": h.token(family)}); got != "unauthorized" {
		t.Errorf("refused with %s", got)
	}
	witness.ask("ping", nil) // the token it came with goes on holding
}

func TestKickWhileJoining(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	witness, c := h.joined(), h.welcomed(func(g *video.Grant) { g.Family = "f" })
	seated, release := make(chan struct{}), make(chan struct{})
	h.journal.OnJoin = func(context.Context, video.Participant) error {
		close(seated)
		<-release
		return nil
	}
	join := c.send("join", object{"participant_id": video.NewUUID()})
	<-seated
	all := video.Selection{All: true, Exclude: only(witness).IDs}
	if _, err := h.host.Kick(t.Context(), h.room.ID, h.session(witness), all); err != nil {
		t.Fatal(err)
	}
	close(release)
	if got := c.refusalOf(c.answer(join)); got != "unauthorized" {
		t.Errorf("refused with %s", got)
	}
	c.wantClose("4401 unauthorized")
	witness.ask("ping", nil)
	if witness.seq != 0 {
		t.Error("someone heard of it")
	}
}

func TestEndClosesEveryone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.joined(), h.joined()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := h.host.EndSession(ctx, h.room.ID, h.session(a)); err != nil {
		t.Fatal(err)
	}
	a.wantClose("4000 session_ended")
	b.wantClose("4000 session_ended")
	if again := h.joined(); again.snapshot["session_id"] == a.snapshot["session_id"] {
		t.Error("the session goes on")
	}
}
