package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Backups are made of a running server and restored with the commands of the guide, as they are written there.
func TestBackupAndRestore(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			shell := func(what string, env ...string) {
				t.Helper()
				block := regexp.MustCompile("(?ms)^```sh " + database + " " + what + "\n(.*?)^```$").FindSubmatch(page)
				if block == nil {
					t.Fatalf("the guide does not say how to %s", what)
				}
				cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", string(block[1]))
				cmd.Env = append(os.Environ(), env...)
				if said, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", what, err, said)
				}
			}
			dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "today")
			place := func() (args, env []string) { // of a database
				if database == "sqlite" {
					return nil, nil
				}
				url := storetest.Postgres(t)
				return []string{"--database-url=" + url}, []string{"ROTUNDA_DATABASE_URL=" + url}
			}
			args, env := place()
			if code, _, stderr := command(t, env, "migrate", "apply", "--data="+dir); code != 0 {
				t.Fatal(stderr)
			}
			s := start(t, dir, args...)
			key := s.key()
			var room struct{ ID string }
			s.call("POST", "/v2/rooms", key, `{"unique_name": "kept"}`, http.StatusCreated, &room)
			var tokens struct {
				Token        string
				RefreshToken string `json:"refresh_token"`
			}
			s.call("POST", "/v2/rooms/"+room.ID+"/actions/generate_join_client_token", key, "", http.StatusCreated, &tokens)
			participant := video.NewUUID()
			enter(t, s, tokens.Token, participant, "Alice")

			shell("backup", append(env, "DATA="+dir, "BACKUP="+backup)...)
			var late struct{ ID string }
			s.call("POST", "/v2/rooms", key, `{"unique_name": "lost"}`, http.StatusCreated, &late)
			s.stop()

			restored := filepath.Join(t.TempDir(), "restored")
			args, env = place()
			shell("restore", append(env, "DATA="+restored, "BACKUP="+backup)...)
			s = start(t, restored, args...)
			s.call("GET", "/v2/rooms/"+room.ID, key, "", http.StatusOK, nil)
			s.call("GET", "/v2/rooms/"+late.ID, key, "", http.StatusNotFound, nil)
			var stay struct {
				Context    string
				LeftReason string `json:"left_reason"`
			}
			s.call("GET", "/v2/room_participants/"+participant, key, "", http.StatusOK, &stay)
			if stay.Context != "Alice" || stay.LeftReason != "server_crashed" {
				t.Errorf("the participant of then is %+v", stay)
			}
			s.call("POST", "/v2/rooms/"+room.ID+"/actions/refresh_client_token", "", `{"refresh_token": "`+tokens.RefreshToken+`"}`, http.StatusCreated, nil)
			enter(t, s, tokens.Token, video.NewUUID(), "Alice, back")
			s.stop()
		})
	}
}
