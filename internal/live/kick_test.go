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

// joinWith joins with a token of a family.
func (h *house) joinWith(family string) (*observer, error) {
	o := newObserver()
	request := h.request(o)
	request.Grant.Family = family
	p, _, err := h.host.Join(context.Background(), request)
	o.Participant = p
	return o, err
}

func (h *house) joined(family string) *observer {
	h.t.Helper()
	o, err := h.joinWith(family)
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

func TestKick(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, same := h.joined("fa"), h.joined("fb"), h.joined("fa")
		id := a.publish(t, "self")
		var viewer live.Removed
		_, err := h.host.Watch(t.Context(), live.WatchRequest{
			Grant: h.grant(), Participant: a.id, Key: "self", Audio: true,
			Listener: live.ListenerFunc(func(n live.Notice) { viewer, _ = n.(live.Removed) }),
		})
		if err != nil {
			t.Fatal(err)
		}

		out, err := h.moderate("kick", a.SessionID(), these(a))
		wantChanged(t, out, err, a)
		if a.reason() != video.LeftKicked || viewer.Reason != video.LeftKicked {
			t.Errorf("it heard %q, its viewer %q", a.reason(), viewer.Reason)
		}
		if !h.media.Transport(a.id).Closed() {
			t.Error("its media is open when the kick returns")
		}
		if got := notices[live.ParticipantLeft](b); len(got) != 1 || got[0] != (live.ParticipantLeft{ID: a.id, Reason: video.LeftKicked}) {
			t.Errorf("the others heard %v", got)
		}
		if b.find(id) >= 0 {
			t.Error("its stream is still there")
		}
		if same.reason() != "" {
			t.Error("another one with the same family was put out")
		}
		if got := h.journal.Revoked(); !slices.Equal(got, []string{"fa"}) {
			t.Errorf("revoked %v", got)
		}
		if h.journal.Participant(a.id).LeftReason != video.LeftKicked {
			t.Errorf("journal: %s", &h.journal)
		}

		_, err = h.joinWith("fa")
		wantCode(t, err, video.CodeUnauthorized)
		grant := h.grant()
		grant.Family = "fa"
		wantCode(t, b.Renew(t.Context(), grant), video.CodeUnauthorized)
		b.publish(t, "self")
		_, err = h.host.Watch(t.Context(), live.WatchRequest{Grant: grant, Participant: b.id, Key: "self", Audio: true})
		wantCode(t, err, video.CodeUnauthorized)
		h.joined("fc") // a token made later
	})
}

// A token that was verified before the kick opens no later session either.
func TestBarOutlivesTheSession(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.joined("fa")
		if _, err := h.moderate("kick", a.SessionID(), everyone); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		_, err := h.joinWith("fa")
		wantCode(t, err, video.CodeUnauthorized)
		b := h.joined("fb")
		if b.SessionID() == a.SessionID() {
			t.Fatal("it is the same session")
		}
		_, err = h.joinWith("fa")
		wantCode(t, err, video.CodeUnauthorized)
	})
}

func TestKickRevokesEveryFamilyShown(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.joined("first")
		for _, family := range []string{"second", "first", "second"} {
			grant := h.grant()
			grant.Family = family
			if err := a.Renew(t.Context(), grant); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.moderate("kick", a.SessionID(), these(a)); err != nil {
			t.Fatal(err)
		}
		if got := h.journal.Revoked(); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("revoked %v", got)
		}
	})
}

func TestKickAllTellsNobodyOfTheOthers(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, stays := h.joined("fa"), h.joined("fb"), h.joined("fc")
		out, err := h.moderate("kick", a.SessionID(), video.Selection{All: true, Exclude: []video.ParticipantID{stays.id}})
		wantChanged(t, out, err, a, b)
		if len(notices[live.ParticipantLeft](a)) != 0 || len(notices[live.ParticipantLeft](b)) != 0 {
			t.Error("those put out heard of one another")
		}
		if len(notices[live.ParticipantLeft](stays)) != 2 {
			t.Errorf("who stays heard %v", stays.heard)
		}
		out, err = h.moderate("kick", a.SessionID(), everyone)
		wantChanged(t, out, err, stays)
		pass(5 * time.Second)
		want := "open, join, join, join, leave kicked, leave kicked, leave kicked, end empty"
		if got := h.journal.String(); got != want {
			t.Errorf("journal: %s", got)
		}
	})
}

// While the revocation is being written nobody comes in with what is being revoked, and nobody is out yet.
func TestKickWhileItIsWritten(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, leaver, other := h.joined("fa"), h.joined("fl"), h.joined("fo")
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(200 * time.Millisecond); return nil }
		seat := make(chan error)
		go func() {
			_, err := h.joinWith("fa") // takes its seat before the kick, and would be in before it is written
			seat <- err
		}()
		settle()
		h.journal.OnRevoke = func(context.Context, []string) error { time.Sleep(time.Second); return nil }
		type answer struct {
			out []video.ParticipantID
			err error
		}
		answers := make(chan answer)
		for range 2 { // two moderators at once
			go func() {
				out, err := h.moderate("kick", a.SessionID(), these(a, leaver))
				answers <- answer{out, err}
			}()
		}
		pass(500 * time.Millisecond)
		wantCode(t, <-seat, video.CodeUnauthorized)
		_, err := h.joinWith("fa")
		wantCode(t, err, video.CodeUnauthorized)
		grant := h.grant()
		grant.Family = "new"
		wantCode(t, a.Renew(t.Context(), grant), video.CodeUnauthorized)
		if a.reason() != "" {
			t.Error("put out before the revocation was written")
		}
		leaver.Leave(video.LeftByChoice)
		first, second := <-answers, <-answers
		if first.err != nil || second.err != nil {
			t.Fatal(first.err, second.err)
		}
		wantChanged(t, slices.Concat(first.out, second.out), nil, a) // by one of the two, and not who left alone
		if a.reason() != video.LeftKicked || leaver.reason() != video.LeftByChoice || other.reason() != "" {
			t.Errorf("%q, %q, %q", a.reason(), leaver.reason(), other.reason())
		}
	})
}

func TestKickThatCannotBeWritten(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.joined("fa"), h.joined("fb")
		h.journal.OnRevoke = func(ctx context.Context, _ []string) error { <-ctx.Done(); return errors.New("disk full") }
		out, err := h.moderate("kick", a.SessionID(), these(a))
		wantCode(t, err, video.CodeUnavailable)
		if len(out) != 0 || a.reason() != "" || len(b.heard) != 0 {
			t.Errorf("something happened: %v, b heard %v", out, b.heard)
		}
		h.joined("fa") // the bar is lifted
		grant := h.grant()
		grant.Family = "fa"
		if err := a.Renew(t.Context(), grant); err != nil {
			t.Error(err)
		}
		h.journal.OnRevoke = nil
		out, err = h.moderate("kick", a.SessionID(), these(a))
		wantChanged(t, out, err, a)
	})
}

// A moderator who hangs up does not leave a kick half done.
func TestKickWhoseAskerGoes(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.joined("fa")
		ctx, cancel := context.WithCancel(t.Context())
		h.journal.OnRevoke = func(ctx context.Context, _ []string) error {
			cancel()
			settle()
			return ctx.Err()
		}
		_, _ = h.host.Kick(ctx, h.room.ID, a.SessionID(), these(a))
		settle()
		if a.reason() != video.LeftKicked {
			t.Errorf("it heard %q", a.reason())
		}
	})
}

func TestSessionEndsWhileAKickIsWritten(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.joined("fa")
		h.journal.OnRevoke = func(context.Context, []string) error {
			_, err := h.host.EndSession(context.Background(), h.room.ID, a.SessionID())
			return err
		}
		out, err := h.moderate("kick", a.SessionID(), these(a))
		wantChanged(t, out, err)
		_, err = h.joinWith("fa")
		wantCode(t, err, video.CodeUnauthorized)
	})
}
