package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const once = "Idempotency-Key"

func (r reply) wantReplayed(replayed bool) reply {
	r.Helper()
	if got := r.header.Get("Idempotent-Replayed"); (got == "true") != replayed {
		r.Errorf("replayed is %q, want %t", got, replayed)
	}
	return r
}

func (h *house) countRooms() int {
	h.Helper()
	return int(h.call("GET", "/rooms", nil).body["meta"].(map[string]any)["total_results"].(float64))
}

func TestRepeatedRequests(t *testing.T) {
	h := newHouse(t)
	content := `{"unique_name":"tea","typo":1}`
	first := h.call("POST", "/rooms", content, once, "k1").want(http.StatusCreated).wantReplayed(false)
	for range 3 {
		again := h.call("POST", "/rooms", content, once, "k1").want(http.StatusCreated).wantReplayed(true)
		if !bytes.Equal(again.raw, first.raw) || again.header.Get("X-Unknown-Fields") != "typo" ||
			again.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v, at first %s", again.raw, again.header, first.raw)
		}
	}
	id := first.data()["id"].(string)
	for _, another := range []struct{ path, body string }{
		{"/rooms", `{"unique_name":"coffee"}`},
		{"/rooms", ""},
		{"/rooms?x=1", content},
		{"/rooms/" + id + "/actions/generate_join_client_token", content},
	} {
		h.call("POST", another.path, another.body, once, "k1").wantFaults(http.StatusUnprocessableEntity, "10027").wantReplayed(false)
	}
	taken := h.call("POST", "/rooms", content, once, "k2").wantFaults(http.StatusUnprocessableEntity, "10012 /unique_name")
	h.call("DELETE", "/rooms/"+id, nil, once, "k1").want(http.StatusNoContent) // means nothing there
	again := h.call("POST", "/rooms", content, once, "k2").want(http.StatusUnprocessableEntity).wantReplayed(true)
	if !bytes.Equal(again.raw, taken.raw) {
		t.Errorf("%s, at first %s", again.raw, taken.raw)
	}
	// A request that says nothing sensible was none, and its key is still free.
	h.call("POST", "/rooms", `{"max_participants":1}`, once, "k3").wantFaults(http.StatusUnprocessableEntity, "10033 /max_participants")
	h.call("POST", "/rooms", "", once, "k3").want(http.StatusCreated).wantReplayed(false)
	h.call("POST", "/rooms", "{}", once, "k4").want(http.StatusCreated).wantReplayed(false)
	if n := h.countRooms(); n != 2 {
		t.Errorf("%d rooms", n)
	}
	if got := len(h.entries()); got != 4 { // three creations and a deletion
		t.Errorf("audit log %q", h.entries())
	}
}

// After a day a key may be used again. What the new request makes is new, whatever became of what the old one made.
func TestIdempotencyKeyUsedAgain(t *testing.T) {
	h := newHouse(t)
	seen := map[any]bool{}
	for day, name := range []string{"tea", "coffee", "milk"} {
		h.at(fmt.Sprintf("2026-03-%02dT12:00:00Z", 10+2*day))
		made := h.call("POST", "/rooms", `{"unique_name":"`+name+`"}`, once, "k").want(http.StatusCreated).wantReplayed(false).data()
		if made["unique_name"] != name || seen[made["id"]] {
			t.Errorf("asked for %s, made %v", name, made)
		}
		seen[made["id"]] = true
		if name == "coffee" {
			h.call("DELETE", "/rooms/"+made["id"].(string), nil).want(http.StatusNoContent)
		}
	}
}

// unheard creates rooms and does not hear of it.
type unheard struct{ rooms }

func (u unheard) CreateRoom(ctx context.Context, room video.Room) (video.Room, error) {
	if _, err := u.rooms.CreateRoom(ctx, room); err != nil {
		return video.Room{}, err
	}
	return video.Room{}, video.Errorf(video.CodeUnavailable, "the answer was lost")
}

// A request of which the server does not know whether it was carried out makes nothing twice, and keeps its key.
func TestRequestOfUnknownOutcome(t *testing.T) {
	h := newHouse(t)
	h.config.Rooms = unheard{h.store}
	h.rebuild()
	h.call("POST", "/rooms", "{}", once, "k").want(http.StatusServiceUnavailable)
	h.config.Rooms = h.store
	h.rebuild()
	h.call("POST", "/rooms", `{"unique_name":"another"}`, once, "k").wantFaults(http.StatusUnprocessableEntity, "10027")
	h.call("POST", "/rooms", "{}", once, "k").want(http.StatusCreated).wantReplayed(false)
	if n := h.countRooms(); n != 1 {
		t.Errorf("%d rooms", n)
	}
	h.log.Reset()
}

func TestIdempotencyKeysAreChecked(t *testing.T) {
	h := newHouse(t)
	for _, bad := range []string{" ", "a b", "é", "\x7f", strings.Repeat("x", maxIdempotencyKey+1)} {
		h.call("POST", "/rooms", nil, once, bad).wantFaults(http.StatusBadRequest, "10015")
		h.call("GET", "/rooms", nil, once, bad).want(http.StatusOK)
		h.call("POST", "/rooms/"+absentID+"/actions/refresh_client_token", `{"refresh_token":"x"}`, once, bad).want(http.StatusForbidden)
	}
	for _, several := range [][]string{{""}, {"a", "a"}} {
		r := newRequest(h, "POST", "/rooms", nil)
		r.Header[once] = several
		recorder := httptest.NewRecorder()
		h.handler.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", several, recorder.Code)
		}
	}
	h.call("POST", "/rooms", nil, once, strings.Repeat("~", maxIdempotencyKey)).want(http.StatusCreated)
}

// Answers can hold tokens, which the database must not show.
func TestKeptAnswersAreSealed(t *testing.T) {
	h := newHouse(t)
	path := "/rooms/" + h.room(nil) + "/actions/generate_join_client_token"
	first := h.call("POST", path, "{}", once, "k").want(http.StatusCreated)
	again := h.call("POST", path, "{}", once, "k").want(http.StatusCreated).wantReplayed(true)
	if !bytes.Equal(again.raw, first.raw) {
		t.Errorf("%s, at first %s", again.raw, first.raw)
	}
	kept, err := h.store.BeginIdempotent(t.Context(), h.account, digest("key", string(h.account), "k"), [32]byte{})
	h.must(err)
	if kept.Status != http.StatusCreated || len(kept.Body) == 0 || bytes.Contains(kept.Body, []byte("token")) {
		t.Errorf("kept %d %q", kept.Status, kept.Body)
	}
}

// What the server failed at may be tried again under the same key.
func TestFailuresAreNotKept(t *testing.T) {
	h := newHouse(t)
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("disk full") },
		"panic": func() error { panic("bug") },
		"busy":  func() error { return video.Errorf(video.CodeUnavailable, "later") },
	} {
		h.config.Rooms = failing{h.store, fail}
		h.rebuild()
		if r := h.call("POST", "/rooms", nil, once, name); r.status < 500 {
			t.Errorf("%s: %d", name, r.status)
		}
		h.config.Rooms = h.store
		h.rebuild()
		h.call("POST", "/rooms", nil, once, name).want(http.StatusCreated).wantReplayed(false)
	}
	h.log.Reset()
}

// gated creates rooms only when it is let.
type gated struct {
	rooms
	entered chan struct{}
	gate    chan struct{}
	made    atomic.Int32
}

func (g *gated) CreateRoom(ctx context.Context, room video.Room) (video.Room, error) {
	g.entered <- struct{}{}
	<-g.gate
	g.made.Add(1)
	return g.rooms.CreateRoom(ctx, room)
}

func TestRequestsAtTheSameTime(t *testing.T) {
	h := newHouse(t)
	slow := &gated{rooms: h.store, entered: make(chan struct{}), gate: make(chan struct{})}
	h.config.Rooms = slow
	h.rebuild()
	answers := make(chan *httptest.ResponseRecorder)
	send := func(ctx context.Context) {
		request := newRequest(h, "POST", "/rooms", nil, once, "k").WithContext(ctx)
		go func() {
			recorder := httptest.NewRecorder()
			h.handler.ServeHTTP(recorder, request)
			answers <- recorder
		}()
	}
	send(t.Context())
	<-slow.entered
	// Another request is refused at once, and one that does not wait longer gives up.
	h.call("POST", "/rooms", "{}", once, "k").wantFaults(http.StatusUnprocessableEntity, "10027")
	ctx, hangUp := context.WithCancel(t.Context())
	send(ctx)
	hangUp()
	if late := <-answers; late.Code != http.StatusRequestTimeout {
		t.Errorf("who gave up got %d %s", late.Code, late.Body)
	}
	for range 5 {
		send(t.Context())
	}
	close(slow.gate)
	bodies, replayed := map[string]bool{}, 0
	for range 6 {
		answer := <-answers
		bodies[answer.Body.String()] = true
		if answer.Code != http.StatusCreated {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
		if answer.Header().Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	if len(bodies) != 1 || replayed != 5 || slow.made.Load() != 1 {
		t.Errorf("%d different answers, %d replayed, %d rooms made", len(bodies), replayed, slow.made.Load())
	}
}

// forgetful dies before it can keep an answer.
type forgetful struct{ Idempotency }

func (forgetful) FinishIdempotent(context.Context, video.AccountID, [32]byte, int, []byte) error {
	return errors.New("killed")
}

func TestRequestRepeatedAfterTheServerDiedOverIt(t *testing.T) {
	h := newHouse(t)
	h.config.Idempotency = forgetful{h.store}
	h.rebuild()
	named := `{"unique_name":"tea"}`
	first := h.call("POST", "/rooms", named, once, "k1").want(http.StatusCreated).data()["id"]
	nameless := h.call("POST", "/rooms", nil, once, "k2").want(http.StatusCreated).data()["id"]
	h.config.Idempotency = h.store
	h.rebuild()
	for range 2 {
		if again := h.call("POST", "/rooms", named, once, "k1").want(http.StatusCreated).data()["id"]; again != first {
			t.Errorf("made %v, at first %v", again, first)
		}
		if again := h.call("POST", "/rooms", nil, once, "k2").want(http.StatusCreated).data()["id"]; again != nameless {
			t.Errorf("made %v, at first %v", again, nameless)
		}
	}
	session := h.openSession(nameless.(string))
	h.record(session, nil)
	h.config.Idempotency = forgetful{h.store}
	h.rebuild()
	composed := h.call("POST", "/room_compositions", `{"session_id":"`+session+`"}`, once, "c").want(http.StatusAccepted).data()["id"]
	if again := h.call("POST", "/room_compositions", `{"session_id":"`+session+`"}`, once, "c").want(http.StatusAccepted).data()["id"]; again != composed {
		t.Errorf("composed %v, at first %v", again, composed)
	}
	h.call("POST", "/rooms", named, once, "k3").wantFaults(http.StatusUnprocessableEntity, "10012 /unique_name")
	if n := h.countRooms(); n != 2 || first == nameless {
		t.Errorf("%d rooms, %v and %v", n, first, nameless)
	}
	if got := len(h.entries()); got != 3 {
		t.Errorf("audit log %q", h.entries())
	}
}
