package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// recorded puts a recording of two seconds of red into a server's data, as a recorder would, and returns its session.
func recorded(t *testing.T, dir string) video.SessionID {
	t.Helper()
	config := defaultConfig()
	config.Data = dir
	db, err := store.Open(t.Context(), config.database())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	account, _, err := db.DefaultAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	room, err := db.CreateRoom(t.Context(), video.Room{AccountID: account.ID, MaxParticipants: 2})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: account.ID, RoomID: room.ID, CreatedAt: began}
	if err := db.OpenSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	r := video.Recording{
		ID: video.NewUUID(), AccountID: account.ID, SessionID: session.ID, ParticipantID: video.ParticipantID(video.NewUUID()), StreamKey: "self",
		Status: video.RecordingCompleted, Type: video.Video, Codec: "vp8", StartedAt: began, Duration: 2 * time.Second,
	}
	file := filepath.Join(mediaDir(dir), r.FileKey())
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=c=red:s=160x90:r=25:d=2", "-c:v", "libvpx", "-b:v", "100k",
		file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, made)
	}
	index := fmt.Sprintf("{\"version\":1,\"start\":%d}\n{\"end\":2000000}\n", began.UnixMicro())
	if err := os.WriteFile(filepath.Join(mediaDir(dir), r.IndexKey()), []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.AddRecording(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return session.ID
}

func TestComposeBesideARunningServer(t *testing.T) {
	s, c := newClerk(t)
	session := string(recorded(t, c.dir))
	layout := filepath.Join(t.TempDir(), "layout.json")
	write := func(content string) {
		if err := os.WriteFile(layout, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"resolution": "160x90", "format": "webm", "layout": {"grid": "fixed"}}`)
	code, stdout, stderr := command(t, c.env(), "compose", session, "--layout="+layout, "--watch")
	id := strings.TrimSpace(stdout)
	if code != 0 || !video.IsUUID(id) || !strings.Contains(stderr, "100 % completed") || !strings.Contains(stderr, "2s, ") {
		t.Fatalf("ended with %d, printed %q and %q", code, stdout, stderr)
	}
	var over struct {
		Status, Format string
		Progress       int
		DownloadURL    string   `json:"download_url"`
		AVOffset       *float64 `json:"av_offset_ms"`
		Speed          *float64
	}
	s.call("GET", "/v2/room_compositions/"+id, s.key(), "", http.StatusOK, &over)
	if over.Status != "completed" || over.Format != "webm" || over.Progress != 100 || over.Speed == nil || over.AVOffset == nil {
		t.Errorf("the API has %+v", over)
	}
	answer, err := http.Get(over.DownloadURL)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "video/webm" {
		t.Errorf("the file is answered %s, %v", answer.Status, answer.Header)
	}
	found, err := filepath.Glob(filepath.Join(mediaDir(c.dir), "compositions", "*", "*", id+".webm"))
	if err != nil || len(found) != 1 {
		t.Fatalf("kept as %v (%v)", found, err)
	}
	s.call("DELETE", "/v2/room_compositions/"+id, s.key(), "", http.StatusNoContent, nil)
	eventually(t, "the file of a deleted composition is gone", func() bool {
		_, err := os.Stat(found[0])
		return os.IsNotExist(err)
	})

	var made struct{ ID, Status string }
	c.json(&made, "compose", strings.ToUpper(session))
	if !video.IsUUID(made.ID) || made.Status != "enqueued" {
		t.Errorf("printed %+v", made)
	}
	c.refused([]string{"no id of a session"}, "compose", "tea")
	c.refused([]string{"There is no session with id"}, "compose", video.NewUUID())
	c.refused([]string{"read layout"}, "compose", session, "--layout="+layout+"x")
	write(`{"format": "avi", "video_layout": {"a": {"video_sources": []}}}`)
	c.refused([]string{"format must be one of", "A region must have a source"}, "compose", session, "--layout="+layout)
}

// A server that makes no compositions says so to whoever asks for one.
func TestComposeWhereNoneAreMade(t *testing.T) {
	s, c := newClerk(t, "--compose-jobs=0")
	id := c.do("compose", string(recorded(t, c.dir)))
	eventually(t, "the composition says why it waits", func() bool {
		var made struct {
			Status  string
			Waiting *struct{ Code string }
		}
		s.call("GET", "/v2/room_compositions/"+id, s.key(), "", http.StatusOK, &made)
		return made.Status == "enqueued" && made.Waiting != nil && made.Waiting.Code == "not_made_here"
	})
}

func TestProgressBar(t *testing.T) {
	var out strings.Builder
	c := video.Composition{Status: video.CompositionProcessing}
	b := progressBar{w: &out, live: true}
	for _, c.Progress = range []int{0, 50, 50} {
		b.show(c)
	}
	want := "\r[" + strings.Repeat("-", 40) + "]   0 % processing\r[" + strings.Repeat("#", 20) + strings.Repeat("-", 20) + "]  50 % processing"
	if out.String() != want {
		t.Errorf("a terminal is shown %q, want %q", out.String(), want)
	}
	out.Reset()
	waits := video.CompositionFailure(video.CompositionFailedDiskFull, "no room\x1b")
	c.Progress, c.Waiting, c.Status = 0, &waits, video.CompositionEnqueued
	b.show(c)
	b.show(c)
	want = "\nwaiting: no room?\n\r[" + strings.Repeat("-", 40) + "]   0 % enqueued  "
	if out.String() != want {
		t.Errorf("a terminal is shown %q, want %q", out.String(), want)
	}
	out.Reset()
	c = video.Composition{Status: video.CompositionProcessing}
	b = progressBar{w: &out}
	for c.Progress = range 21 {
		b.show(c)
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("a file is given %d lines: %s", n, out.String())
	}
}
