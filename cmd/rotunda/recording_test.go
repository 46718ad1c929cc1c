package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/blob/blobtest"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// A server is killed while it records, and while a recording is on its way into a bucket. The next start completes both kinds,
// tells of each once, and leaves nothing behind.
func TestKilledOverARecording(t *testing.T) {
	t.Run("while it is made", func(t *testing.T) {
		dir := t.TempDir()
		killedOverARecording(t, dir, nil, func(s *server, p *publisher) {
			eventually(t, "a second or more is on the disk", func() bool {
				size := map[string]int64{}
				files, err := filepath.Glob(filepath.Join(recordingsDir(dir), "*"))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range files {
					if stat, err := os.Stat(file); err == nil {
						size[filepath.Ext(file)] = stat.Size()
					}
				}
				return size[".mkv"] > 60_000 && size[".webm"] > 15_000
			})
			s.cancel()
			s.wait()
			p.vanish()
		})
		kept, err := filepath.Glob(filepath.Join(mediaDir(dir), "recordings", "*", "*", "*"))
		if err != nil || len(kept) != 4 {
			t.Errorf("kept is %q (%v)", kept, err)
		}
	})
	t.Run("while it is read back", func(t *testing.T) {
		bucket := blobtest.New(t)
		name := bucket.Bucket()
		held, released := make(chan struct{}, 10), make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		proxy := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: bucket.Address})
				r.Out.Host = r.In.Host // it is signed
				if r.In.Method == http.MethodGet && strings.HasSuffix(r.In.URL.Path, ".mkv") {
					held <- struct{}{}
					<-released
				}
			},
			ErrorLog: log.New(io.Discard, "", 0), Transport: &http.Transport{DisableKeepAlives: true},
		})
		t.Cleanup(proxy.Close)
		t.Cleanup(release)
		settings := filepath.Join(t.TempDir(), "settings.yaml")
		if err := os.WriteFile(settings, []byte("media_store: s3\ns3_endpoint: "+proxy.URL+"\ns3_bucket: "+name+
			"\ns3_access_key: "+blobtest.AccessKey+"\ns3_secret_key: "+blobtest.SecretKey+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		killedOverARecording(t, t.TempDir(), []string{"--config=" + settings}, func(s *server, p *publisher) {
			var recordings []struct{}
			eventually(t, "both kinds are recorded", func() bool {
				s.call("GET", "/v2/room_recordings", sessionKey, "", http.StatusOK, &recordings)
				return len(recordings) == 2
			})
			p.end()
			<-held
			s.cancel()
			s.wait()
			release()
		})
		kept, err := filepath.Glob(filepath.Join(bucket.Dir, name, "recordings", "*", "*", "*"))
		if err != nil || len(kept) != 4 {
			t.Errorf("kept is %q (%v)", kept, err)
		}
	})
}

// killedOverARecording has a server die by a function, and looks at what became of the recordings of its only publisher.
func killedOverARecording(t *testing.T, dir string, args []string, die func(*server, *publisher)) {
	var mu sync.Mutex
	told := map[string]map[string]bool{} // ids of events, by what they say
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Data struct {
				EventType string `json:"event_type"`
				Payload   struct {
					RecordingID string `json:"recording_id"`
				}
			}
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			return // cut off
		}
		mu.Lock()
		defer mu.Unlock()
		what := body.Data.EventType + " " + body.Data.Payload.RecordingID
		if told[what] == nil {
			told[what] = map[string]bool{}
		}
		told[what][r.Header.Get("webhook-id")] = true
	}))
	defer hook.Close()
	args = append(args, "--api-key="+sessionKey, "--webhook-allow-private")
	s := startProcess(t, dir, args...)
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", sessionKey, `{"enable_recording": true, "webhook_event_url": "`+hook.URL+`"}`, http.StatusCreated, &room)
	var tokens struct{ Token string }
	s.call("POST", "/v2/rooms/"+room.ID+"/actions/generate_join_client_token", sessionKey, "", http.StatusCreated, &tokens)
	p, err := publish(t, s, tokens.Token, room.ID, "ada", packet.CodecH264)
	if err != nil {
		t.Fatal(err)
	}
	die(s, p)

	s = start(t, dir, args...)
	var recordings []struct {
		ID, Status, Type string
		DownloadURL      string `json:"download_url"`
	}
	eventually(t, "the recordings are complete", func() bool {
		s.call("GET", "/v2/room_recordings?filter[status]=completed", sessionKey, "", http.StatusOK, &recordings)
		return len(recordings) == 2
	})
	for _, r := range recordings {
		status, media := s.fetch(strings.TrimPrefix(r.DownloadURL, s.url))
		file := filepath.Join(t.TempDir(), "recording")
		if err := os.WriteFile(file, media, 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-f", "null", "-").CombinedOutput()
		if status != http.StatusOK || err != nil || len(said) > 0 {
			t.Errorf("%s is answered %d and decodes with %v, %s", r.Type, status, err, said)
		}
		for _, event := range []string{"started", "completed"} {
			what := "video.room.recording." + event + " " + r.ID
			eventually(t, what, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(told[what]) > 0
			})
		}
	}
	eventually(t, "nothing of them is left where they were made", func() bool {
		left, err := os.ReadDir(recordingsDir(dir))
		return err == nil && len(left) == 0
	})
	s.stop() // sends what is left to send
	mu.Lock()
	defer mu.Unlock()
	for what, events := range told {
		if len(events) != 1 {
			t.Errorf("%d events say %s", len(events), what)
		}
	}
}
