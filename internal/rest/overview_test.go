package rest

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The overview is sent at once and after a change, until the member who looks at it is none any more.
func TestOverviewIsPushed(t *testing.T) {
	s := newScene(t)
	headers := s.as(video.RoleViewer)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v2/overview", nil)
	s.must(err)
	request.Header.Set("Accept", eventStream)
	request.Header.Set(headers[2], headers[3])
	response, err := server.Client().Do(request)
	s.must(err)
	defer func() { _ = response.Body.Close() }()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != eventStream {
		t.Fatalf("%d %s", response.StatusCode, kind)
	}
	events := bufio.NewReader(response.Body)
	next := func(want string) {
		t.Helper()
		for {
			line, err := events.ReadString('\n')
			s.must(err)
			if strings.HasPrefix(line, "data: ") && strings.Contains(line, want) {
				return
			}
		}
	}
	next(`"rooms":0`)
	s.room(nil)
	next(`"rooms":1`)

	id := s.call("GET", "/portal_session", nil, headers...).data()["member"].(map[string]any)["id"].(string)
	s.call("DELETE", "/members/"+id, nil).want(http.StatusNoContent)
	if _, err := io.ReadAll(events); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
}
