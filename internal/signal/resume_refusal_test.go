package signal_test

import (
	"context"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestRevocationWins(t *testing.T) {
	kick := func(h *house, s video.SessionID, c *client) error {
		_, err := h.host.Kick(context.Background(), h.room.ID, s, only(c))
		return err
	}
	for name, c := range map[string]struct {
		act  func(*house, video.SessionID, *client) error
		want string
	}{
		"kick": {kick, "4001 kicked"},
		"end": {func(h *house, s video.SessionID, _ *client) error {
			_, err := h.host.EndSession(context.Background(), h.room.ID, s)
			return err
		}, "4000 session_ended"},
		"delete": {func(h *house, _ video.SessionID, _ *client) error {
			h.rooms.Delete(h.room.ID)
			return h.host.EndRoom(context.Background(), h.room.ID)
		}, "4002 room_deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, graceful(time.Minute))
			a := h.joined()
			session := h.session(a)
			a.lose()
			if err := c.act(h, session, a); err != nil {
				t.Fatal(err)
			}
			again := h.back(a)
			if got := again.refused("resume", again.resumption("whatever")); got != "not_resumable" {
				t.Error(got)
			}
			again.wantClose(c.want)
		})
	}
	t.Run("kick while it resumes", func(t *testing.T) {
		for range 20 {
			h := newHouse(t, graceful(time.Minute))
			a := h.joined()
			session := h.session(a)
			a.lose()
			again := h.back(a)
			again.send("resume", again.resumption(h.token()))
			if err := kick(h, session, a); err != nil {
				t.Fatal(err)
			}
			again.wantClose("4001 kicked")
		}
	})
}

func TestTheTokenExpiresWhileAway(t *testing.T) {
	h := newHouse(t, graceful(time.Minute), func(c *signal.Config) { c.TokenAllowance = time.Millisecond })
	a := h.joined()
	b := h.joined(func(g *video.Grant) { g.ExpiresAt = time.Now().Add(500 * time.Millisecond) })
	b.lose()
	if got := a.until("participant_left"); got["reason"] != "token_expired" {
		t.Error("a heard", got)
	}
}

func TestWhoMayNotResume(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a, b := h.joined(), h.joined()
	a.lose()
	foreign := h.rooms.Add(account, 10)
	for name, c := range map[string]struct {
		change func(object)
		want   string
		closes string // empty: it stays open
	}{
		"a wrong secret":          {func(f object) { f["secret"] = "x" }, "not_resumable", ""},
		"another's secret":        {func(f object) { f["secret"] = b.secret() }, "not_resumable", ""},
		"a token that is none":    {func(f object) { f["token"] = "x" }, "unauthorized", "4401 unauthorized"},
		"a token of another room": {func(f object) { f["token"] = h.token(func(g *video.Grant) { g.RoomID = foreign.ID }) }, "unauthorized /token", "4401 unauthorized"},
		"no secret":               {func(f object) { delete(f, "secret") }, "invalid_argument /secret", "4400 bad_request"},
		"another version":         {func(f object) { f["version"] = 2 }, "unsupported_version /version", "4426 unsupported_version"},
	} {
		t.Run(name, func(t *testing.T) {
			again := h.back(a)
			again.t = t
			fields := again.resumption(h.token())
			c.change(fields)
			if got := again.refused("resume", fields); got != c.want {
				t.Errorf("refused with %q, want %q", got, c.want)
			}
			if c.closes != "" {
				again.wantClose(c.closes)
			} else if got := again.refused("join", object{"participant_id": video.NewUUID()}); got != "invalid_state" {
				t.Errorf("join: %q", got)
			}
		})
	}
	h.resumed(a) // none of that did any harm
}
