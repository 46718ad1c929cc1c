package live_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestSessionOpensWithTheFirstAndEndsAfterTheLinger(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		if a.SessionID() != b.SessionID() {
			t.Error("two sessions in one room")
		}
		a.Leave(video.LeftByChoice)
		if got := notices[live.ParticipantLeft](b); len(got) != 1 || got[0] != (live.ParticipantLeft{ID: a.id, Reason: video.LeftByChoice}) {
			t.Errorf("b heard %v", got)
		}
		if a.reason() != video.LeftByChoice || len(notices[live.ParticipantLeft](a)) != 0 {
			t.Errorf("a heard %v", a.heard)
		}
		b.Leave(video.LeftConnectionLost)
		pass(4999 * time.Millisecond)
		c := h.join() // within the linger it is the same session
		if c.SessionID() != a.SessionID() {
			t.Error("the session did not linger")
		}
		c.Leave(video.LeftByChoice)
		pass(5 * time.Second)
		want := "open, join, join, leave left, leave connection_lost, join, leave left, end empty"
		if got := h.journal.String(); got != want {
			t.Errorf("journal: %s\nwant: %s", got, want)
		}
		d := h.join()
		if d.SessionID() == a.SessionID() {
			t.Error("the session outlived its end")
		}
	})
}

func TestRefusedJoinLeavesNoTrace(t *testing.T) {
	foreign := func(h *house, r *live.JoinRequest) { r.Grant.AccountID = "another" }
	cases := map[string]struct {
		change func(*house, *live.JoinRequest)
		code   video.Code
	}{
		"no such room":      {func(h *house, r *live.JoinRequest) { r.Grant.RoomID = "x" }, video.CodeRoomNotFound},
		"foreign room":      {foreign, video.CodeRoomNotFound},
		"id is no uuid":     {func(h *house, r *live.JoinRequest) { r.ID = "x" }, video.CodeInvalid},
		"id is uuid 1":      {func(h *house, r *live.JoinRequest) { r.ID = "5f0c4b2e-0000-1000-8000-000000000000" }, video.CodeInvalid},
		"context too long":  {func(h *house, r *live.JoinRequest) { r.Context = string(make([]byte, 4097)) }, video.CodeTooLarge},
		"storage down":      {func(h *house, r *live.JoinRequest) { h.rooms.Error = errors.New("disk") }, video.CodeUnavailable},
		"media unavailable": {func(h *house, r *live.JoinRequest) { h.media.NewError = errors.New("no ports") }, video.CodeMedia},
		"not recorded": {func(h *house, r *live.JoinRequest) {
			h.journal.OnJoin = func(context.Context, video.Participant) error { return errors.New("disk full") }
		}, video.CodeUnavailable},
		"recording takes too long": {func(h *house, r *live.JoinRequest) {
			h.journal.OnJoin = func(ctx context.Context, _ video.Participant) error { <-ctx.Done(); return ctx.Err() }
		}, video.CodeUnavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close()
				witness := h.join()
				o := newObserver()
				request := h.request(o)
				c.change(h, &request)
				p, _, err := h.host.Join(t.Context(), request)
				wantCode(t, err, c.code)
				if p != nil || o.joined || len(o.heard) != 0 {
					t.Error("the refused one is half in")
				}
				if len(witness.heard) != 0 {
					t.Errorf("someone noticed: %v", witness.heard)
				}
				if h.media.Open() != 1 {
					t.Error("a transport was left open")
				}
			})
		})
	}
}

func TestUsedIDOpensNoSession(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		a.Leave(video.LeftByChoice)
		pass(5 * time.Second)
		_, _, err := h.host.Join(t.Context(), h.request(a)) // an id is used once
		wantCode(t, err, video.CodeDuplicateParticipant)
		settle()
		want := "open, join, leave left, end empty"
		if got := h.journal.String(); got != want {
			t.Errorf("journal: %s\nwant: %s", got, want)
		}
	})
}

func TestSessionThatCannotBeRecorded(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		fail := true
		h.journal.OnOpen = func(context.Context, video.Session) error {
			time.Sleep(time.Second)
			if fail {
				return errors.New("disk full")
			}
			return nil
		}
		var joins sync.WaitGroup
		for range 3 {
			joins.Go(func() {
				_, _, err := h.host.Join(t.Context(), h.request(newObserver()))
				wantCode(t, err, video.CodeUnavailable)
			})
		}
		joins.Wait()
		settle()
		fail = false
		h.join()
		if got := h.journal.String(); got != "open, join" {
			t.Errorf("journal: %s", got)
		}
	})
}

func TestRoomIsFull(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.room = h.rooms.Add(account, 2)
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(time.Second); return nil }
		var mu sync.Mutex
		var in []*live.Participant
		var joins sync.WaitGroup
		full := 0
		for range 5 { // all at once: seats count from admission on
			joins.Go(func() {
				p, _, err := h.host.Join(t.Context(), h.request(newObserver()))
				mu.Lock()
				defer mu.Unlock()
				if video.CodeOf(err) == video.CodeRoomFull {
					full++
				} else if err == nil {
					in = append(in, p)
				}
			})
		}
		joins.Wait()
		if len(in) != 2 || full != 3 {
			t.Fatalf("%d in, %d refused", len(in), full)
		}
		in[0].Leave(video.LeftByChoice)
		h.join()
	})
}

func TestOneIdJoinsOnce(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(time.Second); return nil }
		o := newObserver()
		var joins sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			joins.Go(func() {
				request := h.request(o)
				_, _, errs[i] = h.host.Join(t.Context(), request)
			})
		}
		joins.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("errors: %v", errs)
		}
		wantCode(t, errors.Join(errs...), video.CodeDuplicateParticipant)
	})
}

func TestJoinerWhoGivesUpIsNotAnnouncedHalf(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.journal.OnJoin = func(ctx context.Context, _ video.Participant) error { time.Sleep(time.Second); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		o := newObserver()
		p, _, err := h.host.Join(ctx, h.request(o))
		if err != nil || !o.joined {
			t.Fatalf("the join was recorded but not finished: %v", err)
		}
		p.Leave(video.LeftConnectionLost)
		if got := h.journal.String(); got != "open, join, leave connection_lost" {
			t.Errorf("journal: %s", got)
		}
	})
}

func TestEndRoom(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		a.publish(t, "self")
		h.rooms.Delete(h.room.ID)
		if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
			t.Fatal(err)
		}
		if a.reason() != video.LeftRoomDeleted || b.reason() != video.LeftRoomDeleted {
			t.Errorf("heard %q and %q", a.reason(), b.reason())
		}
		if h.media.Open() != 0 {
			t.Error("transports are open after EndRoom")
		}
		want := "open, join, join, leave room_deleted, leave room_deleted, end room_deleted"
		if got := h.journal.String(); got != want {
			t.Errorf("journal: %s", got)
		}
		_, err := a.Publish(t.Context(), publishRequest("x"), nil)
		wantCode(t, err, video.CodeState)
		a.Leave(video.LeftByChoice) // does nothing
		_, _, err = h.host.Join(t.Context(), h.request(newObserver()))
		wantCode(t, err, video.CodeRoomNotFound)
		if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
			t.Error(err)
		}
	})
}

// A join that read the room's row before it was deleted must not get in after EndRoom returned, wherever it was.
func TestJoinRacesEndRoom(t *testing.T) {
	stations := map[string]func(h *house, pause func()){
		"reading the row": func(h *house, pause func()) { h.rooms.OnRead = func(video.RoomID) { pause() } },
		"opening": func(h *house, pause func()) {
			h.journal.OnOpen = func(context.Context, video.Session) error { pause(); return nil }
		},
		"being recorded": func(h *house, pause func()) {
			h.journal.OnJoin = func(context.Context, video.Participant) error { pause(); return nil }
		},
	}
	for name, at := range stations {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close()
				at(h, func() { time.Sleep(time.Second) })
				o := newObserver()
				joined := make(chan error)
				go func() {
					_, _, err := h.host.Join(t.Context(), h.request(o))
					joined <- err
				}()
				pass(500 * time.Millisecond)
				h.rooms.Delete(h.room.ID)
				if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
					t.Fatal(err)
				}
				if h.media.Open() != 0 {
					t.Error("somebody is in after EndRoom")
				}
				wantCode(t, <-joined, video.CodeRoomNotFound)
				if o.joined || len(o.heard) != 0 {
					t.Error("the refused one was let in")
				}
			})
		})
	}
}

// Whoever wins, nobody is in a deleted room once EndRoom returned.
func TestManyJoinsRaceEndRoom(t *testing.T) {
	for range 200 {
		h := newHouse(t)
		var joins sync.WaitGroup
		for range 4 {
			joins.Go(func() {
				o := newObserver()
				if _, _, err := h.host.Join(context.Background(), h.request(o)); err != nil {
					wantCode(t, err, video.CodeRoomNotFound)
				}
			})
		}
		h.rooms.Delete(h.room.ID)
		if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
			t.Fatal(err)
		}
		if n := h.media.Open(); n != 0 {
			t.Errorf("%d are in after EndRoom", n)
		}
		joins.Wait()
		h.close()
	}
}

func TestJoinRacesTheEndOfTheLinger(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		for range 50 {
			o := h.join()
			o.Leave(video.LeftByChoice)
			time.Sleep(5 * time.Second) // the timer and the next join are ready at the same time
		}
	})
}

func TestCloseTellsEveryone(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		a := h.join()
		h.room = h.rooms.Add(account, 2)
		b := h.join()
		h.close()
		if a.reason() != video.LeftServerShutdown || b.reason() != video.LeftServerShutdown {
			t.Errorf("heard %q and %q", a.reason(), b.reason())
		}
		_, _, err := h.host.Join(t.Context(), h.request(newObserver()))
		wantCode(t, err, video.CodeUnavailable)
		h.close() // again is fine
	})
}

func TestCloseDuringJoins(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(time.Second); return nil }
		var joins sync.WaitGroup
		for range 5 {
			joins.Go(func() {
				_, _, err := h.host.Join(t.Context(), h.request(newObserver()))
				wantCode(t, err, video.CodeUnavailable)
			})
		}
		pass(500 * time.Millisecond)
		h.close()
		joins.Wait()
	})
}

func TestPanicEndsOneSessionAlone(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		other := h.room
		h.room = h.rooms.Add(account, 10)
		b, c := h.join(), h.join()
		h.media.OnPublish = func(video.StreamID) error { panic("bug") }
		_, err := b.Publish(t.Context(), publishRequest("self"), nil)
		wantCode(t, err, video.CodeState)
		settle()
		if b.reason() != video.LeftServerCrashed || c.reason() != video.LeftServerCrashed {
			t.Errorf("heard %q and %q", b.reason(), c.reason())
		}
		b.Leave(video.LeftByChoice)
		h.join() // the room is usable again
		h.room, h.media.OnPublish = other, nil
		a.publish(t, "self")
		if a.reason() != "" {
			t.Error("the neighbours were disturbed")
		}
	})
}

func TestTransportsAreClosedBeforeLeaveReturns(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.media.OnClose = func(video.ParticipantID) { time.Sleep(time.Second) }
		a, b := h.join(), h.join()
		started := time.Now()
		go a.Leave(video.LeftByChoice)
		settle()
		if len(notices[live.ParticipantLeft](b)) != 1 {
			t.Error("others wait for a transport to close")
		}
		a.Leave(video.LeftByChoice)
		if took := time.Since(started); took != time.Second || !h.media.Transport(a.id).Closed() {
			t.Errorf("left after %v", took)
		}
	})
}
