package live_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func always() bool { return true }

func TestConnectionLossIsToldOnceAndSeenByNewcomers(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		if err := b.LoseConnection(t.Context(), func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.LoseConnection(t.Context(), always); err != nil {
				t.Fatal(err)
			}
		}
		c := newObserver()
		_, snapshot, err := h.host.Join(t.Context(), h.request(c))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range snapshot.Participants {
			if p.ConnectionLost != (p.ID == b.id) {
				t.Errorf("c sees %+v", p)
			}
		}
		for range 2 {
			if err := b.Resume(t.Context(), h.grant(), func(func() live.Snapshot) {}); err != nil {
				t.Fatal(err)
			}
		}
		want := []live.ConnectionChanged{{ID: b.id, Connected: false}, {ID: b.id, Connected: true}}
		if got := notices[live.ConnectionChanged](a); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("a heard %v", got)
		}
		if got := notices[live.ConnectionChanged](b); len(got) != 0 {
			t.Errorf("b heard of itself: %v", got)
		}
	})
}

func TestResumeWithASnapshotTellsOfLinesAgain(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		published := a.publish(t, "self")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: published, Audio: true, Video: true}, nil); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		wanted := len(notices[live.LinesWanted](b))
		resume := func(take bool) {
			err := b.Resume(t.Context(), h.grant(), func(snapshot func() live.Snapshot) {
				if take && len(snapshot().Streams) != 1 {
					t.Error("the snapshot lacks the stream")
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		resume(false)
		if n := len(notices[live.LinesWanted](b)); n != wanted {
			t.Errorf("%d notices of wanted lines without a snapshot", n-wanted)
		}
		resume(true)
		if n := len(notices[live.LinesWanted](b)); n != wanted+1 {
			t.Errorf("%d notices of wanted lines with a snapshot", n-wanted)
		}
	})
}

func TestResumeWithASnapshotTellsOfPicturesAgain(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		theirs, own, gone := a.publish(t, "self"), b.publish(t, "self"), b.publish(t, "presentation")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: theirs, Video: true}, nil); err != nil {
			t.Fatal(err)
		}
		updates := h.media.Transport(b.id).Updates()
		updates.LayersWanted(own, 1)
		updates.LayersWanted(gone, 2)
		updates.Paused(theirs, true)
		settle()
		if err := b.Unpublish(t.Context(), gone, nil); err != nil {
			t.Fatal(err)
		}
		for i, paused := range []bool{true, false} {
			updates.Paused(theirs, paused)
			updates.LayersWanted(own, 3-i)
			settle()
			before := len(b.heard)
			err := b.Resume(t.Context(), h.grant(), func(snapshot func() live.Snapshot) { snapshot() })
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []live.Notice{live.VideoPaused{ID: theirs, Paused: paused}, live.LayersWanted{StreamID: own, Layers: 3 - i}} {
				if !slices.Contains(b.heard[before:], want) {
					t.Errorf("%#v is not told again, only %v", want, b.heard[before:])
				}
			}
			if slices.ContainsFunc(b.heard[before:], func(n live.Notice) bool { d, ok := n.(live.LayersWanted); return ok && d.StreamID == gone }) {
				t.Error("told of a stream that is gone")
			}
		}
	})
}

func TestResumeIsRefusedWithAForeignOrRevokedGrant(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		foreign := h.grant()
		foreign.RoomID = "another"
		then := func(func() live.Snapshot) { t.Error("resumed") }
		wantCode(t, a.Resume(t.Context(), foreign, then), video.CodeUnauthorized)
		a.Leave(video.LeftConnectionLost)
		wantCode(t, a.Resume(t.Context(), h.grant(), then), video.CodeState)
	})
}

func TestAFreshTokenTakesNobodysIdentity(t *testing.T) {
	for policy, want := range map[live.IdentityPolicy]video.Code{
		live.IdentityAllowed: "", live.IdentityRefused: video.CodeIdentityInUse, live.IdentityReplaced: video.CodeIdentityInUse,
	} {
		within(t, func(t *testing.T) {
			h := newHouse(t, func(c *live.Config) { c.Identities = policy })
			defer h.close()
			grant := func(identity string) video.Grant {
				g := h.grant()
				g.Identity = identity
				return g
			}
			join := func(identity string) *observer {
				o := newObserver()
				request := h.request(o)
				request.Grant.Identity = identity
				p, _, err := h.host.Join(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				o.Participant = p
				return o
			}
			ann, bob := join("ann"), join("bob")
			for _, identity := range []string{"bob", "carl", ""} {
				if err := bob.Renew(t.Context(), grant(identity)); err != nil {
					t.Errorf("%s: bob cannot become %q: %v", policy, identity, err)
				}
			}
			err := bob.Renew(t.Context(), grant("ann"))
			if code := video.CodeOf(err); err != nil && code != want || err == nil && want != "" {
				t.Errorf("%s: bob becomes ann: %v, want %q", policy, err, want)
			}
			if reason := ann.reason(); reason != "" {
				t.Errorf("%s: ann is out: %s", policy, reason)
			}
		})
	}
}

func TestAnIdentityThatIsReplacedMakesRoom(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t, func(c *live.Config) { c.Identities = live.IdentityReplaced })
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.MaxParticipants = 1 })
		join := func(identity, name string) (*observer, error) {
			o := newObserver()
			request := h.request(o)
			request.Grant.Identity, request.Name = identity, name
			p, _, err := h.host.Join(t.Context(), request)
			o.Participant = p
			return o, err
		}
		first, err := join("ann", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = join("bob", "")
		wantCode(t, err, video.CodeRoomFull)
		_, err = join("ann", "camera") // WHIP stands beside
		wantCode(t, err, video.CodeRoomFull)
		second, err := join("ann", "")
		if err != nil {
			t.Fatal(err)
		}
		if first.reason() != video.LeftDuplicate || second.SessionID() != first.SessionID() {
			t.Errorf("the first is out because of %q; the sessions are %s and %s", first.reason(), first.SessionID(), second.SessionID())
		}
		if len(second.participants) != 1 {
			t.Errorf("the second sees %v", second.participants)
		}
		pass(10 * time.Second) // longer than a session lingers
		third, err := join("ann", "")
		if err != nil || third.SessionID() != first.SessionID() {
			t.Error("the session ended although somebody was in it")
		}
	})
}
