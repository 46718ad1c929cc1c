package events

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The whole life of recordings is told as the contract has it, and where a file is fetched from is made anew for each
// attempt.
func TestRecordingsAreTold(t *testing.T) {
	o := openOffice(t)
	var urls atomic.Int32
	o.config.MediaURL = func(account video.AccountID, kind video.MediaKind, id string) string {
		if account != o.account || kind != video.MediaRecording {
			t.Errorf("a URL for %s of %s", kind, account)
		}
		return fmt.Sprintf("https://media.example/%s?a=%d&b=<2>", id, urls.Add(1))
	}
	var h *hook
	h = newHook(t, func(w http.ResponseWriter, r *http.Request) {
		attempts := 0
		for _, got := range h.all() {
			if got.id == r.Header.Get("Webhook-Id") && strings.Contains(string(got.body), `"video.room.recording.completed"`) {
				attempts++
			}
		}
		if attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	_, err := o.ChangeWebhookSettings(t.Context(), o.account, func(s *video.WebhookSettings) error {
		s.ExtraEventTypes = []video.EventType{video.EventRecordingFailed}
		return nil
	})
	must(t, err)
	o.deliver()
	p := o.join(o.session(o.room(h.URL, "", nil)), "")
	good := video.Recording{ID: video.NewUUID(), SessionID: p.SessionID, ParticipantID: p.ID, Type: video.Audio}
	bad := good
	bad.ID = video.NewUUID()
	o.RecordingStarted(good)
	o.RecordingStarted(bad)
	o.RecordingFailed(bad.ID, video.FailedDiskFull)
	good.SizeBytes, good.Codec = 4_200_000, "opus"
	o.RecordingEnded(good)
	must(t, o.RecordingArchived(t.Context(), good.ID, good.SizeBytes, ""))
	h.await(t, 7) // session, join, two starts, a failure, and two attempts to tell of the file; each checked against the schema
	seen := map[string]bool{}
	for _, got := range h.all() {
		var body struct {
			Data struct {
				Type    video.EventType `json:"event_type"`
				Payload struct {
					URL  *string `json:"download_url"`
					Size float64 `json:"size_mb"`
				}
			}
		}
		must(t, json.Unmarshal(got.body, &body))
		if body.Data.Type != video.EventRecordingCompleted {
			if body.Data.Payload.URL != nil {
				t.Errorf("a URL in %s", got.body)
			}
			continue
		}
		seen[*body.Data.Payload.URL] = true
		if body.Data.Payload.Size != 4.2 {
			t.Errorf("told %s", got.body)
		}
	}
	for n := range 2 {
		if url := fmt.Sprintf("https://media.example/%s?a=%d&b=<2>", good.ID, n+1); !seen[url] {
			t.Errorf("URLs %v lack %s", seen, url)
		}
	}
}
