package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// take runs the import into the clerk's server and returns what became of each room, by name.
func (c clerk) take(key, from string, args ...string) map[string]importedRoom {
	c.t.Helper()
	args = append([]string{"import", "telnyx", "--from=" + from, "--json"}, args...)
	code, stdout, stderr := command(c.t, append(c.env(), "TELNYX_API_KEY="+key), args...)
	if code != 0 {
		c.t.Fatalf("import ended with %d: %s", code, stderr)
	}
	var rooms []importedRoom
	if err := json.Unmarshal([]byte(stdout), &rooms); err != nil {
		c.t.Fatalf("%v: %s", err, stdout)
	}
	named := map[string]importedRoom{}
	for _, room := range rooms {
		named[room.UniqueName] = room
	}
	return named
}

// TestImportTelnyx takes rooms over from another server of ours, whose API is the same: more than a page of them, once.
func TestImportTelnyx(t *testing.T) {
	there, _ := newClerk(t)
	key := there.key()
	var known struct{ ID string }
	there.call("POST", "/v2/rooms", key, `{"unique_name":"tea","max_participants":7,"enable_recording":true,
		"webhook_event_url":"https://hooks.example/a","webhook_event_failover_url":"https://hooks.example/b","webhook_timeout_secs":9}`, http.StatusCreated, &known)
	for i := range importedPage {
		there.call("POST", "/v2/rooms", key, fmt.Sprintf(`{"unique_name":"room %d"}`, i), http.StatusCreated, nil)
	}
	there.call("POST", "/v2/rooms", key, `{"unique_name":"taken"}`, http.StatusCreated, nil)

	here, c := newClerk(t)
	own := here.key()
	here.call("POST", "/v2/rooms", own, `{"unique_name":"taken"}`, http.StatusCreated, nil)
	if rooms := c.take(key, there.url, "--dry-run"); len(rooms) != importedPage+2 || !rooms["tea"].Imported {
		t.Errorf("%d rooms would be imported", len(rooms))
	}
	here.call("GET", "/v2/rooms/"+known.ID, own, "", http.StatusNotFound, nil)

	rooms := c.take(key, there.url)
	if room := rooms["taken"]; room.Imported || !strings.Contains(strings.Join(room.Notes, ""), "taken") {
		t.Errorf("the room whose name is taken: %+v", room)
	}
	if n := len(rooms); n != importedPage+2 || !rooms["tea"].Imported || !rooms[fmt.Sprint("room ", importedPage-1)].Imported {
		t.Errorf("%d rooms, tea %+v", n, rooms["tea"])
	}
	var room struct {
		UniqueName         string `json:"unique_name"`
		MaxParticipants    int    `json:"max_participants"`
		EnableRecording    bool   `json:"enable_recording"`
		WebhookEventURL    string `json:"webhook_event_url"`
		Failover           string `json:"webhook_event_failover_url"`
		WebhookTimeoutSecs int    `json:"webhook_timeout_secs"`
	}
	here.call("GET", "/v2/rooms/"+known.ID, own, "", http.StatusOK, &room)
	if want := "{tea 7 true https://hooks.example/a https://hooks.example/b 9}"; fmt.Sprint(room) != want {
		t.Errorf("imported is %v, want %s", room, want)
	}
	if again := c.take(key, there.url)["tea"]; again.Imported || !strings.Contains(strings.Join(again.Notes, ""), known.ID) {
		t.Errorf("again: %+v", again)
	}

	c.refused([]string{"TELNYX_API_KEY"}, "import", "telnyx")
	code, _, stderr := command(t, append(c.env(), "TELNYX_API_KEY=nonsense"), "import", "telnyx", "--from="+there.url)
	if code != 1 || !strings.Contains(stderr, "401") {
		t.Errorf("with a bad key %d: %s", code, stderr)
	}
	code, _, stderr = command(t, append(c.env(), "TELNYX_API_KEY=x"), "import", "telnyx", "--from=nowhere")
	if code != 2 || !strings.Contains(stderr, "--from") {
		t.Errorf("from nowhere %d: %s", code, stderr)
	}
}

// TestImportOfOddRooms: what cannot be here is said, and does not keep the others out.
func TestImportOfOddRooms(t *testing.T) {
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer k" || r.URL.Query().Get("page[number]") != "1" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprint(w, `{"data":[
			{"id":"0CCC7B54-4DF3-4BCA-A65A-3DA1ECC777F0","unique_name":"large","max_participants":1000,"webhook_event_url":"ftp://x","webhook_timeout_secs":99},
			{"id":"no id","unique_name":"strange"},
			{"id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f1","unique_name":null,"webhook_event_url":null}]}`)
	}))
	defer odd.Close()
	here, c := newClerk(t)
	rooms := c.take("k", odd.URL)
	if large := rooms["large"]; !large.Imported || len(large.Notes) != 3 {
		t.Errorf("large: %+v", large)
	}
	if strange := rooms["strange"]; strange.Imported || len(strange.Notes) != 1 {
		t.Errorf("strange: %+v", strange)
	}
	var room struct {
		MaxParticipants int `json:"max_participants"`
	}
	here.call("GET", "/v2/rooms/0ccc7b54-4df3-4bca-a65a-3da1ecc777f0", here.key(), "", http.StatusOK, &room)
	if room.MaxParticipants != 50 {
		t.Errorf("max_participants is %d", room.MaxParticipants)
	}
	here.call("GET", "/v2/rooms/0ccc7b54-4df3-4bca-a65a-3da1ecc777f1", here.key(), "", http.StatusOK, &room)
	if room.MaxParticipants != 10 {
		t.Errorf("max_participants is %d", room.MaxParticipants)
	}
}
