package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
)

// Whoever has not left, and whoever REST never heard of, is named, wherever in the list.
func TestClosedReadsTheWholeList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		items := make([]string, 0, pageSize)
		switch r.URL.Query().Get("page[number]") {
		case "1":
			for i := range pageSize {
				items = append(items, fmt.Sprintf(`{"id": "p%d", "left_at": "2026-01-01T00:00:00Z"}`, i))
			}
		case "2":
			items = append(items, `{"id": "stuck", "left_at": null}`)
		}
		fmt.Fprintf(w, `{"data": [%s]}`, strings.Join(items, ","))
	}))
	defer server.Close()
	c := &client{restclient.Client{URL: server.URL, HTTP: server.Client()}}
	faults, err := c.closed(t.Context(), "/room_participants", "left_at", []string{"p7", "stuck", "unknown"})
	if err != nil || len(faults) != 2 || !strings.Contains(faults[0], "stuck has no left_at") || !strings.Contains(faults[1], "unknown") {
		t.Errorf("%q, %v", faults, err)
	}
}
