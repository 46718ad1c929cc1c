package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// stream is a session followed over a real connection.
type stream struct {
	testing.TB
	response *http.Response
	lines    *bufio.Scanner
}

// serve starts a real server. Requests must arrive within readTimeout; 0 gives them all the time they want.
func (h *house) serve(readTimeout time.Duration) *httptest.Server {
	h.Helper()
	server := httptest.NewUnstartedServer(h.handler)
	server.Config.ReadTimeout = readTimeout
	server.Start()
	h.Cleanup(server.Close)
	return server
}

func (h *house) follow(ctx context.Context, server *httptest.Server, target string, header ...string) *stream {
	h.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/v2"+target, nil)
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Accept", "text/html, text/event-stream;q=0.9")
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	response, err := server.Client().Do(r)
	h.must(err)
	h.Cleanup(func() { _ = response.Body.Close() })
	return &stream{TB: h.TB, response: response, lines: bufio.NewScanner(response.Body)}
}

// next reads one event; without any more, all of it is empty.
func (s *stream) next() (id, event string, data map[string]any) {
	s.Helper()
	for s.lines.Scan() && s.lines.Text() != "" {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &data); err != nil {
				s.Fatal(err)
			}
		}
	}
	return id, event, data
}

// want reads events of these types and returns the id of the last.
func (s *stream) want(types ...string) (last string) {
	s.Helper()
	for _, want := range types {
		id, event, data := s.next()
		if event != want || event != "" && event != "end" && (data["type"] != event || data["cursor"] != id || id == "") {
			s.Fatalf("event %q with id %q and data %v, want %q", event, id, data, want)
		}
		last = id
	}
	return last
}

func TestFollowSession(t *testing.T) {
	h := newHouse(t)
	server := h.serve(time.Second)
	session := h.openSession(h.room(nil))
	path := "/room_sessions/" + session + "/events"
	s := h.follow(t.Context(), server, path)
	if got := s.response.Header.Get("Content-Type"); s.response.StatusCode != http.StatusOK || got != eventStream {
		t.Fatalf("answered %s with %s", s.response.Status, got)
	}
	first := s.want("session_started")
	who := h.join(session, "")
	second := s.want("participant_joined")
	late := h.follow(t.Context(), server, path+"?cursor="+first, "Last-Event-ID", second)
	other := h.follow(t.Context(), server, path+"?cursor="+first)
	// Only now would the arrival of a request be over for the server.
	expired, cancel := context.WithTimeout(t.Context(), server.Config.ReadTimeout*3/2)
	defer cancel()
	<-expired.Done()
	h.leave(session, who)
	h.endSession(session)
	other.want("participant_joined")
	for _, each := range []*stream{s, late, other} {
		each.want("participant_left", "session_ended", "end", "")
	}
	again := h.follow(t.Context(), server, path, "Last-Event-ID", second)
	again.want("participant_left", "session_ended", "end", "")
	h.follow(t.Context(), server, path+"?cursor=9223372036854775807").want("end", "")
}

// A history longer than what is read at once is sent whole.
func TestFollowFromFarBehind(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	want := []string{"session_started"}
	for range 2*followedAtOnce - 2 { // the end is the last of a batch
		h.store.Note(video.Happening{SessionID: video.SessionID(session), Type: video.HappenedMuted})
		want = append(want, "participant_muted")
	}
	h.endSession(session)
	s := h.follow(t.Context(), h.serve(0), "/room_sessions/"+session+"/events")
	s.want(append(want, "session_ended", "end", "")...)
}

func TestFollowersAreBounded(t *testing.T) {
	h := newHouse(t)
	server := h.serve(0)
	path := "/room_sessions/" + h.openSession(h.room(nil)) + "/events"
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var all sync.WaitGroup
	for range maxFollowers {
		all.Go(func() { h.follow(ctx, server, path).want("session_started") })
	}
	if all.Wait(); h.Failed() {
		return // whom the server would take in now, it would keep
	}
	h.call("GET", path, nil, "Accept", eventStream).wantFaults(http.StatusTooManyRequests, "10011")
	h.call("GET", path, nil).want(http.StatusOK)
	leave()
	// The server hears of it when it hears of it; then there is room again.
	for h.follow(t.Context(), server, path).response.StatusCode != http.StatusOK {
		if t.Context().Err() != nil {
			t.Fatal("nobody has left")
		}
	}
}

// Those who follow are sent away when the server drains, and do not keep it from shutting down.
func TestFollowersLeaveADrainingServer(t *testing.T) {
	h := newHouse(t)
	draining := make(chan struct{})
	h.config.Draining = draining
	h.rebuild()
	server := h.serve(0)
	path := "/room_sessions/" + h.openSession(h.room(nil)) + "/events"
	s := h.follow(t.Context(), server, path)
	s.want("session_started")
	close(draining)
	h.must(server.Config.Shutdown(t.Context()))
	s.want("")
	late := newRequest(h, "GET", path, nil, "Accept", eventStream)
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, late)
	if body := recorder.Body.String(); recorder.Code != http.StatusOK || strings.Contains(body, "event: end") {
		t.Errorf("a late follower is answered %d %s", recorder.Code, body)
	}
}

type sessions = Sessions // so that embedding it hides no method

// brittle is a record that fails from some question on.
type brittle struct {
	sessions
	questions int
}

func (b *brittle) Happenings(ctx context.Context, query video.HappeningQuery) ([]video.Happening, error) {
	if b.questions--; b.questions < 0 {
		return nil, errors.New("the disk is gone")
	}
	query.Limit = min(query.Limit, followedAtOnce)
	return b.sessions.Happenings(ctx, query)
}

func TestFollowOverABrokenRecord(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	for range followedAtOnce {
		h.store.Note(video.Happening{SessionID: video.SessionID(session), Type: video.HappenedMuted})
	}
	h.must(h.store.Flush(t.Context()))
	path := "/room_sessions/" + session + "/events"
	h.config.Sessions = &brittle{h.store, 0}
	h.rebuild()
	h.call("GET", path, nil, "Accept", eventStream).wantFaults(http.StatusInternalServerError, "10007")
	h.call("GET", path, nil).wantFaults(http.StatusInternalServerError, "10007")
	h.log.Reset()
	h.config.Sessions = &brittle{h.store, 1}
	h.rebuild()
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, newRequest(h, "GET", path, nil, "Accept", eventStream))
	sent := recorder.Body.String()
	if n := strings.Count(sent, "event: "); recorder.Code != http.StatusOK || n != followedAtOnce || strings.Contains(sent, "event: end") {
		t.Errorf("%d events were sent: %d %s", n, recorder.Code, sent)
	}
	if log := h.log.String(); !strings.Contains(log, "broken off") || !strings.Contains(log, "the disk is gone") {
		t.Errorf("logged %q", log)
	}
}

// quiet is a session in which nothing happens but its end, and of that there is no news.
type quiet struct {
	sessions
	ends time.Time
}

func (q quiet) Session(context.Context, video.AccountID, video.SessionID, bool) (video.Session, error) {
	var session video.Session
	if !time.Now().Before(q.ends) {
		session.EndedAt = &q.ends
	}
	return session, nil
}

func (quiet) Happenings(context.Context, video.HappeningQuery) ([]video.Happening, error) {
	return nil, nil
}
func (quiet) Follow(video.SessionID) (news <-chan struct{}, stop func()) { return nil, func() {} }

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		e := &entrance{Config: Config{Sessions: quiet{ends: begun.Add(3*heartbeat - time.Second)}}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		recorder := httptest.NewRecorder()
		if err := e.follow(recorder, &request{Request: r}, video.Session{}, 0); err != nil {
			t.Error(err)
		}
		sent, _ := io.ReadAll(recorder.Body)
		want := strings.Repeat(": still there\n\n", 3) + "event: end\ndata: {\"session_id\":\"\"}\n\n"
		if took := time.Since(begun); string(sent) != want || took != 3*heartbeat {
			t.Errorf("%q was sent in %s, want %q", sent, took, want)
		}
		if len(e.followers.counts) > 0 {
			t.Errorf("still followed: %v", e.followers.counts)
		}
	})
}

// pipes is a listener on connections in memory, whose time can be invented.
type pipes struct {
	net.Listener
	conns chan net.Conn
}

func (p *pipes) Accept() (net.Conn, error) {
	conn, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p *pipes) Close() error { close(p.conns); return nil }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.conns <- far
	return near, nil
}

// A stream on which nothing happens stays, in either version of HTTP: each has a way of its own to end answers that take long.
func TestQuietStreamStays(t *testing.T) {
	for version := 1; version <= 2; version++ {
		synctest.Test(t, func(t *testing.T) {
			e := &entrance{Config: Config{Sessions: quiet{ends: time.Now().Add(3*heartbeat - time.Second)}}}
			over := &pipes{conns: make(chan net.Conn, 1)}
			protocols := new(http.Protocols)
			protocols.SetHTTP1(version == 1)
			protocols.SetUnencryptedHTTP2(version == 2)
			server := &http.Server{Protocols: protocols, WriteTimeout: heartbeat + time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = e.follow(w, &request{Request: r}, video.Session{}, 0)
			})}
			go func() { _ = server.Serve(over) }()
			transport := &http.Transport{Protocols: protocols, DialContext: over.dial}
			answer, err := (&http.Client{Transport: transport}).Get("http://x/")
			if err != nil {
				t.Fatal(err)
			}
			sent, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if n := strings.Count(string(sent), "still there"); err != nil || n != 3 || answer.ProtoMajor != version {
				t.Errorf("HTTP/%d: sent %q, %v", answer.ProtoMajor, sent, err)
			}
			transport.CloseIdleConnections()
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// busy is a session in which more happens than anyone takes who does not read.
type busy struct{ sessions }

func (busy) Happenings(_ context.Context, query video.HappeningQuery) ([]video.Happening, error) {
	return slices.Repeat([]video.Happening{{Seq: query.After + 1, Type: video.HappenedMuted}}, query.Limit), nil
}

func (busy) Follow(video.SessionID) (news <-chan struct{}, stop func()) { return nil, func() {} }

// Who follows and does not read is left.
func TestFollowerWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &entrance{Config: Config{Sessions: busy{}, Log: slog.New(slog.DiscardHandler)}}
		over := &pipes{conns: make(chan net.Conn, 1)}
		left := make(chan time.Time, 1)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = e.follow(w, &request{Request: r}, video.Session{}, 0)
			left <- time.Now()
		})}
		go func() { _ = server.Serve(over) }()
		begun := time.Now()
		conn, err := over.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if took := (<-left).Sub(begun); took != sendTimeout || len(e.followers.counts) > 0 {
			t.Errorf("left after %s, and %v follow", took, e.followers.counts)
		}
		_ = conn.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}
