package signal_test

import (
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestIdentities(t *testing.T) {
	as := func(identity string) func(*video.Grant) {
		return func(g *video.Grant) { g.Identity = identity }
	}
	t.Run("refuse", func(t *testing.T) {
		h := newHouseOf(t, func(c *live.Config) { c.Identities = live.IdentityRefused })
		h.joined(as("ann"))
		h.joined(as("bob"))
		h.joined()
		second := h.welcomed(as("ann"))
		if got := second.refused("join", object{"participant_id": video.NewUUID()}); got != "identity_in_use" {
			t.Error(got)
		}
		second.wantClose("4411 identity_in_use")
	})
	t.Run("replace", func(t *testing.T) {
		h := newHouseOf(t, func(c *live.Config) { c.Identities = live.IdentityReplaced })
		bob, first := h.joined(as("bob")), h.joined(as("ann"))
		second := h.joined(as("ann"))
		first.wantClose("4410 replaced")
		if got := bob.until("participant_left"); got["participant_id"] != first.id || got["reason"] != "duplicate" {
			t.Error("bob heard", got)
		}
		if n := len(second.snapshot["participants"].([]any)); n != 2 {
			t.Errorf("%d participants", n)
		}
	})
	t.Run("allow", func(t *testing.T) {
		h := newHouse(t)
		h.joined(as("ann"))
		h.joined(as("ann"))
	})
}

func TestReplaceMedia(t *testing.T) {
	h := newHouse(t)
	a, b := h.joined(), h.joined()
	stream := a.ask("publish", publishFields("self"))["stream_id"]
	b.ask("subscribe", object{"stream_id": stream, "audio": true, "video": true})
	reply := a.ask("replace_media", object{
		"sdp":     livetest.Offer("x audio sendonly", "y video sendonly"),
		"streams": []object{{"stream_id": stream, "audio": object{"mid": "x"}, "video": object{"mid": "y"}}},
	})
	if reply["sdp"] == "" {
		t.Error("no answer")
	}
	if got := a.refused("replace_media", object{}); got != "invalid_argument /sdp" {
		t.Error(got)
	}
	if got := a.refused("replace_media", object{"sdp": "v=0", "streams": []object{{}}}); got != "invalid_argument /streams/stream_id" {
		t.Error(got)
	}
	a.ask("unpublish", object{"stream_id": stream}) // it is still known by its id
}
