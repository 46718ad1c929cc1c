package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/blob/blobtest"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// keep puts a completed recording into the data of a server that does not run, and returns it with a URL path of its file.
func keep(t *testing.T, dir string, objects blob.Config, room video.RoomID, content []byte) (r video.Recording, path string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(t.Context(), store.Config{Path: databasePath(dir)})
	must(err)
	account, _, err := db.DefaultAccount(t.Context())
	must(err)
	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: account.ID, RoomID: room}
	must(db.OpenSession(t.Context(), session))
	ended := time.Now().Add(-48 * time.Hour)
	r = video.Recording{
		ID: video.NewUUID(), AccountID: account.ID, SessionID: session.ID, Status: video.RecordingCompleted, Type: video.Video, Codec: "vp8",
		StartedAt: ended, EndedAt: &ended, CompletedAt: &ended,
	}
	must(db.AddRecording(t.Context(), r))
	must(db.Close())
	key, _, err := auth.LoadRootKey(dir)
	must(err)
	objects.Secret = auth.Derive(key, "media encryption")
	kept, err := blob.Open(objects)
	must(err)
	file := filepath.Join(t.TempDir(), "file")
	must(os.WriteFile(file, content, 0o600))
	_, err = kept.Put(t.Context(), r.FileKey(), file)
	must(err)
	must(kept.Close())
	return r, blob.NewLinks(auth.Derive(key, "media links"), nil).Path(video.MediaRecording, account.ID, r.ID)
}

// fetch gets a path of the server, and the status and body of the answer.
func (s *server) fetch(path string) (int, []byte) {
	s.t.Helper()
	answer, err := client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		s.t.Errorf("%s is not guarded: %v", path, answer.Header)
	}
	return answer.StatusCode, body
}

// A recording is served by its URL, over a restart too, until it is deleted; then its media goes.
func TestMediaIsServedUntilItIsDeleted(t *testing.T) {
	bucket := blobtest.New(t)
	settings := filepath.Join(t.TempDir(), "settings.yaml")
	inBucket := "media_store: s3\nmedia_encryption: true\ns3_prefix: rotunda\ns3_endpoint: http://" + bucket.Address + "\ns3_bucket: " + bucket.Bucket() +
		"\ns3_access_key: " + blobtest.AccessKey + "\ns3_secret_key: " + blobtest.SecretKey + "\n"
	if err := os.WriteFile(settings, []byte(inBucket), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"local": nil, "in a bucket, encrypted": {"--config=" + settings}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			config, err := load(t, append(args, "--data="+dir), "")
			if err != nil {
				t.Fatal(err)
			}
			at := config.objects(make([]byte, 32))
			first := start(t, dir, args...)
			key := first.key()
			var room struct{ ID video.RoomID }
			first.call("POST", "/v2/rooms", key, `{}`, http.StatusCreated, &room)
			first.stop()
			content := bytes.Repeat([]byte("media "), 50_000)
			r, path := keep(t, dir, at, room.ID, content)

			s := start(t, dir, args...)
			if status, body := s.fetch(path); status != http.StatusOK || !bytes.Equal(body, content) {
				t.Fatalf("answered %d with %d bytes", status, len(body))
			}
			if status, body := s.fetch(path + "x"); status != http.StatusForbidden || !bytes.Contains(body, []byte(`"url":"http://127.0.0.1:`)) {
				t.Errorf("a forged URL is answered %d, %s", status, body)
			}
			s.call("DELETE", "/v2/room_recordings/"+r.ID, key, "", http.StatusNoContent, nil)
			if status, _ := s.fetch(path); status != http.StatusGone {
				t.Errorf("after the deletion: %d", status)
			}
			objects, err := blob.Open(at)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = objects.Close() }()
			eventually(t, "the media is gone", func() bool {
				left, err := objects.Open(t.Context(), r.FileKey())
				if err == nil {
					_ = left.Close()
				}
				return err != nil
			})
		})
	}
}

// A start deletes what is over its time.
func TestRetentionAtTheStart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	key := first.key()
	var usual, ever struct{ ID video.RoomID }
	first.call("POST", "/v2/rooms", key, `{}`, http.StatusCreated, &usual)
	first.call("POST", "/v2/rooms", key, `{"recording_retention_days": 0}`, http.StatusCreated, &ever)
	first.stop()
	old, _ := keep(t, dir, blob.Config{Dir: mediaDir(dir)}, usual.ID, []byte("media"))
	kept, _ := keep(t, dir, blob.Config{Dir: mediaDir(dir)}, ever.ID, []byte("media"))
	s := start(t, dir, "--recording-retention=24h")
	file := filepath.Join(mediaDir(dir), old.FileKey())
	eventually(t, "the media is gone", func() bool {
		_, err := os.Stat(file)
		return err != nil
	})
	s.call("GET", "/v2/room_recordings/"+old.ID, key, "", http.StatusNotFound, nil)
	s.call("GET", "/v2/room_recordings/"+kept.ID, key, "", http.StatusOK, nil)
}

// A bucket that refuses is said so at the start; one that cannot be reached keeps nobody from calls.
func TestBucketAtTheStart(t *testing.T) {
	bucket := blobtest.New(t)
	env := func(name, secret string) []string {
		return []string{
			"ROTUNDA_MEDIA_STORE=s3", "ROTUNDA_S3_ENDPOINT=http://" + bucket.Address, "ROTUNDA_S3_BUCKET=" + name,
			"ROTUNDA_S3_ACCESS_KEY=" + blobtest.AccessKey, "ROTUNDA_S3_SECRET_KEY=" + secret,
		}
	}
	for name, environment := range map[string][]string{
		"no bucket": env("none", blobtest.SecretKey), "a wrong secret": env(bucket.Bucket(), "a guess"),
	} {
		code, _, stderr := command(t, environment, "serve", "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off", "--data="+t.TempDir())
		if code != 1 || !strings.Contains(stderr, "check bucket") || !strings.Contains(stderr, "rights of the access key") {
			t.Errorf("%s: ended with %d: %s", name, code, stderr)
		}
		if strings.Contains(stderr, "a guess") {
			t.Errorf("%s: the secret is shown: %s", name, stderr)
		}
	}
	settings := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(settings, []byte("media_store: s3\ns3_endpoint: http://"+bucket.Address+"\ns3_bucket: "+bucket.Bucket()+
		"\ns3_access_key: "+blobtest.AccessKey+"\ns3_secret_key: "+blobtest.SecretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bucket.Stop()
	s := start(t, t.TempDir(), "--config="+settings)
	s.call("GET", "/healthz", "", "", http.StatusOK, nil)
	if !strings.Contains(s.stderr.String(), "recordings wait for it") {
		t.Errorf("nothing was said: %s", s.stderr)
	}
}

// The server needs the whole of S3; commands beside it need not be given its keys.
func TestBucketIsTheServersAlone(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	env := []string{"ROTUNDA_DATA=" + dir, "ROTUNDA_MEDIA_STORE=s3", "ROTUNDA_S3_BUCKET=abc"}
	if code, _, stderr := command(t, env, "key", "list"); code != 0 {
		t.Errorf("key list ended with %d: %s", code, stderr)
	}
	code, _, stderr := command(t, env, "serve")
	if want := "without ROTUNDA_S3_ENDPOINT, ROTUNDA_S3_ACCESS_KEY, ROTUNDA_S3_SECRET_KEY"; code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("serve ended with %d: %s", code, stderr)
	}
}

func TestMediaDirectoryAtTheStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "media"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, nil, "serve", "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off", "--data="+dir)
	if code != 1 || !strings.Contains(stderr, "media directory") || !strings.Contains(stderr, "--data") {
		t.Errorf("ended with %d: %s", code, stderr)
	}
}
