package signal_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A client gets the servers of others and our own, and fresh credentials for ours before the former expire.
func TestICEServers(t *testing.T) {
	t.Parallel()
	var issued atomic.Int64
	const life = 400 * time.Millisecond
	h := newHouse(t, func(c *signal.Config) {
		c.ICEServers = []video.ICEServer{{URLs: []string{"stun:other.example"}}}
		c.Relay = func(subject string) ([]video.ICEServer, time.Time) {
			return []video.ICEServer{{
				URLs: []string{"turn:own.example?transport=udp"}, Username: subject, Credential: strconv.FormatInt(issued.Add(1), 10),
			}}, time.Now().Add(life)
		}
	})
	subject := ""
	check := func(servers any, least int) (credential int) {
		t.Helper()
		list, _ := servers.([]any)
		if len(list) != 2 {
			t.Fatalf("servers %v", servers)
		}
		own, other := list[0].(object), list[1].(object)
		credential, _ = strconv.Atoi(own["credential"].(string))
		if name := own["username"].(string); subject == "" {
			subject = name
		} else if name != subject {
			t.Errorf("credentials are for %q, then for %q", subject, name)
		}
		if credential < least || other["urls"].([]any)[0] != "stun:other.example" {
			t.Errorf("servers %v, want credentials from %d on", servers, least)
		}
		return credential
	}
	c := h.dial()
	token := h.token(func(g *video.Grant) { g.Family = "family" })
	hello := c.ask("hello", object{"version": 1, "token": token})
	first := check(hello["ice_servers"], 1)
	c.id = video.NewUUID()
	c.ask("join", object{"participant_id": c.id})
	second := check(c.until("ice_servers_changed")["ice_servers"], first+1)
	check(c.until("ice_servers_changed")["ice_servers"], second+1)
	again := h.dial() // another connection has no more relays
	check(again.ask("hello", object{"version": 1, "token": token})["ice_servers"], 1)
	c.ask("leave", nil)
	c.wantClose("1000 left")
}
