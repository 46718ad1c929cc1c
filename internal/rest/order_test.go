package rest

import (
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestReadComposition(t *testing.T) {
	h := newHouse(t)
	session := video.SessionID(h.openSession(h.room(nil)))
	read := func(content string) (video.Composition, error) {
		return ReadComposition(t.Context(), h.store, h.store, h.account, session, []byte(content))
	}
	if _, err := read(`{}`); err == nil || !strings.Contains(err.Error(), "has no recordings") {
		t.Errorf("without recordings: %v", err)
	}
	h.record(string(session), nil)
	c, err := read(`{"format":"webm","layout":{"labels":true},"session_id":"` + absentID + `"}`)
	if err != nil || c.SessionID != session || c.AccountID != h.account || c.Format != video.FormatWebM || !c.Settings.Labels || c.Width != 1280 {
		t.Errorf("read %+v, %v", c, err)
	}
	for content, want := range map[string]string{
		`{"format":"avi","resolution":"9x9"}`:                           "format must be one of mp4, webm, m4a, ogg, or null.\nresolution must be",
		`{"video_layout":{"a":{"widht":7}}}`:                            "video_layout/a/widht means nothing.",
		`{"video_layout":{"a":{},"A":{}}}`:                              "have the same name",
		`{"video_layout":{"a":{"video_sources":["` + absentID + `"]}}}`: "has no video recording with id",
		`[]`: "The body must be a JSON object.",
		`{`:  "The body is not JSON",
	} {
		if _, err := read(content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}
