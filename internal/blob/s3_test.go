package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/blob/blobtest"
)

func bucketOf(server *blobtest.Server) S3 {
	return S3{
		Endpoint: &url.URL{Scheme: "http", Host: server.Address}, Region: "us-east-1", Bucket: server.Bucket(), Prefix: "media/",
		AccessKey: blobtest.AccessKey, SecretKey: blobtest.SecretKey,
	}
}

func bucketStore(t *testing.T, s3 S3, config Config) *Store {
	t.Helper()
	config.S3 = &s3
	s := opened(t, config)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func TestInBucket(t *testing.T) {
	server := blobtest.New(t)
	t.Run("contract", func(t *testing.T) {
		contract(t, func(t *testing.T, config Config) *Store { return bucketStore(t, bucketOf(server), config) })
	})
}

func TestWhatABucketRefuses(t *testing.T) {
	server := blobtest.New(t)
	s3 := bucketOf(server)
	must(t, bucketStore(t, s3, Config{}).Check(t.Context()))
	for name, change := range map[string]func(*S3){
		"no bucket":    func(s *S3) { s.Bucket = "none" },
		"wrong secret": func(s *S3) { s.SecretKey = "a guess" },
		"wrong key":    func(s *S3) { s.AccessKey = "nobody" },
	} {
		other := s3
		change(&other)
		err := bucketStore(t, other, Config{}).Check(t.Context())
		if err == nil || ReasonOf(err) != ReasonRefused {
			t.Errorf("%s: %s: %#v", name, ReasonOf(err), err)
		}
	}
	server.Stop()
	s := bucketStore(t, s3, Config{})
	if err := s.Check(t.Context()); err == nil || ReasonOf(err) != ReasonUnavailable {
		t.Errorf("a server that is down: %s: %v", ReasonOf(err), err)
	}
	if _, err := s.Open(t.Context(), "a/b.webm"); err == nil || errors.Is(err, ErrAbsent) {
		t.Errorf("down is not absent: %v", err)
	}
	server.Start()
	must(t, s.Check(t.Context()))
}

// between is a proxy before the S3 server that may change what passes.
func between(t *testing.T, s3 S3, request func(*http.Request), answer func(*http.Response) error) S3 {
	t.Helper()
	to := *s3.Endpoint
	transport := &http.Transport{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&to)
			r.Out.Host = r.In.Host // it is signed
			if request != nil {
				request(r.Out)
			}
		},
		ModifyResponse: answer, Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
	})
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(proxy.Close)
	s3.Endpoint = &url.URL{Scheme: "http", Host: strings.TrimPrefix(proxy.URL, "http://")}
	return s3
}

// A storage that says it took an object and gives back another is caught.
func TestWhatComesBackIsCompared(t *testing.T) {
	s3 := bucketOf(blobtest.New(t))
	for name, change := range map[string]func([]byte) []byte{
		"a bit":   func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"the end": func(b []byte) []byte { return b[:len(b)-1] },
	} {
		lying := between(t, s3, nil, func(answer *http.Response) error {
			if answer.Request.Method != http.MethodGet {
				return nil
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				return err
			}
			answer.Body = io.NopCloser(bytes.NewReader(change(body)))
			return nil
		})
		for _, encrypt := range []bool{false, true} {
			if _, err := bucketStore(t, lying, Config{Secret: secret, Encrypt: encrypt}).Put(t.Context(), "a/b.webm", file(t, random(1000))); err == nil {
				t.Errorf("%s was not missed", name)
			}
		}
	}
}

// A range asks for no more than a window, and an object that was replaced meanwhile is no part of the old one.
func TestRangesOfABucket(t *testing.T) {
	s3 := bucketOf(blobtest.New(t))
	var mutex sync.Mutex
	var asked []string
	watched := between(t, s3, func(r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		asked = append(asked, r.Header.Get("Range"))
	}, nil)
	s := bucketStore(t, watched, Config{})
	put(t, s, "a/b.webm", random(8<<20))
	r, err := s.Open(t.Context(), "a/b.webm")
	must(t, err)
	mutex.Lock()
	asked = nil
	mutex.Unlock()
	_, err = r.Seek(1<<20, io.SeekStart)
	must(t, err)
	_, err = io.ReadFull(r, make([]byte, 300<<10))
	must(t, err)
	if want := []string{"bytes=1048576-1310719", "bytes=1310720-2359295"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	put(t, s, "a/b.webm", random(8<<20-1))
	_, err = r.Seek(0, io.SeekEnd)
	must(t, err)
	_, err = r.Seek(4<<20, io.SeekStart)
	must(t, err)
	if _, err := r.Read(make([]byte, 1)); err == nil {
		t.Error("it read on in another object")
	}
	must(t, r.Close())
}

// A server that stops in the midst of an answer does not keep a reader for ever.
func TestStalledAnswer(t *testing.T) {
	s3 := bucketOf(blobtest.New(t))
	put(t, bucketStore(t, s3, Config{}), "a/b.webm", random(100_000))
	stalling := between(t, s3, nil, func(answer *http.Response) error {
		if answer.ContentLength > headSize {
			answer.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(answer.Body, 1000), endless{answer.Request.Context()}), answer.Body}
		}
		return nil
	})
	s := bucketStore(t, stalling, Config{})
	s.backend.(*bucket).stall = 50 * time.Millisecond
	if err := readObject(t, s, "a/b.webm"); !errors.Is(err, errStalled) || ReasonOf(err) != ReasonUnavailable {
		t.Errorf("got %v", err)
	}
}

// A server that takes nothing does not keep who puts for ever.
func TestStalledUpload(t *testing.T) {
	s3 := bucketOf(blobtest.New(t))
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	s3.Endpoint = &url.URL{Scheme: "http", Host: strings.TrimPrefix(hanging.URL, "http://")}
	s := bucketStore(t, s3, Config{})
	s.backend.(*bucket).upload = 50 * time.Millisecond
	for _, size := range []int{1000, partSize + 1} {
		if _, err := s.Put(t.Context(), "a/b.webm", file(t, random(size))); !errors.Is(err, errStalled) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Whoever gives up does not wait for a server that hangs: what it has of the upload goes with the next attempt.
func TestCancelledUpload(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	hanging := between(t, bucketOf(blobtest.New(t)), func(r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodDelete {
			cancel()
			<-release
		}
	}, nil)
	t.Cleanup(func() { close(release) })
	s := bucketStore(t, hanging, Config{})
	begun := time.Now()
	if _, err := s.Put(ctx, "a/b.webm", file(t, random(partSize+1))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
}

// endless is a body of which nothing comes.
type endless struct{ ctx context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.ctx.Done()
	return 0, e.ctx.Err()
}

// What a killed process left of an upload in parts goes with the next attempt, or when the object is deleted.
func TestPartsOfAKilledProcessGo(t *testing.T) {
	for name, next := range map[string]func(s *Store, path string) error{
		"put": func(s *Store, path string) error {
			_, err := s.Put(t.Context(), "a/b.webm", path)
			return err
		},
		"deleted": func(s *Store, _ string) error { return s.Delete(t.Context(), "a/b.webm") },
	} {
		t.Run(name, func(t *testing.T) { testPartsGo(t, next) })
	}
}

func testPartsGo(t *testing.T, next func(s *Store, path string) error) {
	server := blobtest.New(t)
	s3 := bucketOf(server)
	ctx, cancel := context.WithCancel(t.Context())
	parts := 0
	dying := between(t, s3, func(r *http.Request) {
		if r.Method == http.MethodDelete { // nobody is there to tidy up
			r.URL.Host = "127.0.0.1:1"
		}
		if r.Method == http.MethodPut && r.URL.Query().Get("partNumber") != "" {
			if parts++; parts == 2 {
				cancel()
			}
		}
	}, nil)
	large := file(t, random(2*partSize+1))
	s := bucketStore(t, dying, Config{})
	if _, err := s.Put(ctx, "a/b.webm", large); err == nil {
		t.Fatal("put by a dead process")
	}
	uploads := func() (n int) {
		err := filepath.WalkDir(filepath.Join(server.Dir, s3.Bucket, ".sgwtmp"), func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				n++
			}
			return nil
		})
		must(t, err)
		return n
	}
	left := uploads()
	must(t, next(bucketStore(t, s3, Config{}), large))
	if uploads() != 0 || left == 0 {
		t.Errorf("%d parts were left, and then %d", left, uploads())
	}
}
