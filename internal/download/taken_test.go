package download

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What clients took is told when a download ends: all of it, a part, and nothing of what was not sent.
func TestDownloadsAreTold(t *testing.T) {
	told := make(chan string, 10)
	h := open(t, 10_000, func(c *Config, _ *http.Server) {
		c.Downloaded = func(account video.AccountID, room video.RoomID, bytes int64) {
			told <- fmt.Sprintf("%s %s %d", account, room, bytes)
		}
	})
	want := func(bytes int) {
		t.Helper()
		select {
		case got := <-told:
			if got != fmt.Sprintf("%s the room %d", owner, bytes) {
				t.Errorf("told %q, want %d bytes", got, bytes)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nothing was told")
		}
	}
	h.ask(http.MethodHead, h.url(), nil)
	h.ask(http.MethodGet, h.url()+"x", nil)
	answer, _ := h.ask(http.MethodGet, h.url(), nil)
	want(10_000)
	h.ask(http.MethodGet, h.url(), map[string]string{"If-None-Match": answer.Header.Get("ETag")})
	h.ask(http.MethodGet, h.url(), map[string]string{"Range": "bytes=100-299"})
	want(200)
	if len(told) > 0 {
		t.Errorf("more was told: %s", <-told)
	}
}
