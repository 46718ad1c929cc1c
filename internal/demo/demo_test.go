package demo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/demo"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const secret = "open sesame"

type house struct {
	*demo.Entrance
	store     *store.Store
	authority *auth.Authority
	account   video.AccountID
	clock     *time.Time
	log       *bytes.Buffer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	rooms, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "demo.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rooms.Close() })
	account, _, err := rooms.DefaultAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	authority := auth.New(auth.Config{Store: rooms, RootKey: bytes.Repeat([]byte{7}, auth.RootKeySize)})
	if err := authority.EnsureSigningKey(t.Context(), account.ID); err != nil {
		t.Fatal(err)
	}
	h := &house{store: rooms, authority: authority, account: account.ID, log: new(bytes.Buffer)}
	now := time.Now()
	h.clock = &now
	h.Entrance, err = demo.New(demo.Config{
		Account: account.ID, Secret: secret, Rooms: rooms, Tokens: authority,
		Log: slog.New(slog.NewTextHandler(h.log, nil)), Now: func() time.Time { return *h.clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) ask(change func(*http.Request), body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/demo/token", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func withSecret(s string) string { return fmt.Sprintf(`{"secret": %q}`, s) }

func TestTokensAreForTheDemoRoomOnly(t *testing.T) {
	h := newHouse(t)
	w := h.ask(nil, withSecret(secret))
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var got struct {
		Data struct {
			RoomID           video.RoomID `json:"room_id"`
			Token            string       `json:"token"`
			RefreshToken     string       `json:"refresh_token"`
			TokenExpiresAt   time.Time    `json:"token_expires_at"`
			RefreshExpiresAt time.Time    `json:"refresh_token_expires_at"`
		} `json:"data"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	room, err := h.store.RoomByName(t.Context(), h.account, demo.RoomName)
	if err != nil || room.MaxParticipants != video.MaxRoomParticipants {
		t.Fatalf("demo room %+v, %v", room, err)
	}
	grant, err := h.authority.Verify(t.Context(), got.Data.Token)
	if err != nil {
		t.Fatal(err)
	}
	if grant.RoomID != room.ID || got.Data.RoomID != room.ID || grant.Grants != video.AllGrants {
		t.Errorf("grant %+v and room %s, want room %s", grant, got.Data.RoomID, room.ID)
	}
	for what, c := range map[string]struct {
		at   time.Time
		want time.Duration
	}{"token": {got.Data.TokenExpiresAt, 10 * time.Minute}, "refresh token": {got.Data.RefreshExpiresAt, 24 * time.Hour}} {
		if left := time.Until(c.at); left > c.want || left < c.want-time.Minute {
			t.Errorf("%s expires in %v, want %v", what, left, c.want)
		}
	}
	if _, err := h.authority.Refresh(t.Context(), room.ID, got.Data.RefreshToken, 0); err != nil {
		t.Errorf("refresh: %v", err)
	}
}

func TestDeletedDemoRoomIsMadeAgain(t *testing.T) {
	h := newHouse(t)
	first, err := h.Room(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.Room(t.Context()); err != nil || again.ID != first.ID {
		t.Fatalf("asked again: %s, %v; want %s", again.ID, err, first.ID)
	}
	if err := h.store.DeleteRoom(t.Context(), h.account, first.ID); err != nil {
		t.Fatal(err)
	}
	var visitors sync.WaitGroup
	ids := make(chan video.RoomID, 8)
	for range cap(ids) {
		visitors.Go(func() {
			room, err := h.Room(t.Context())
			if err != nil {
				t.Error(err)
			}
			ids <- room.ID
		})
	}
	visitors.Wait()
	second := <-ids
	if second == first.ID {
		t.Error("the deleted room came back")
	}
	for len(ids) > 0 {
		if id := <-ids; id != second {
			t.Errorf("two demo rooms: %s and %s", second, id)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		body   string
		status int
		code   string
	}{
		{"wrong secret", nil, withSecret("open barley"), http.StatusForbidden, "10010"},
		{"empty secret", nil, withSecret(""), http.StatusForbidden, "10010"},
		{"longer secret", nil, withSecret(secret + "x"), http.StatusForbidden, "10010"},
		{"no secret", nil, `{}`, http.StatusForbidden, "10010"},
		{"no JSON", nil, `secret`, http.StatusBadRequest, "10023"},
		{"wrong type", nil, `{"secret": 1}`, http.StatusBadRequest, "10023"},
		{"no body", nil, ``, http.StatusBadRequest, "10023"},
		{"form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, withSecret(secret), http.StatusUnsupportedMediaType, "10029"},
		{"too large", nil, withSecret(strings.Repeat("x", 5000)), http.StatusRequestEntityTooLarge, "10015"},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, "", http.StatusMethodNotAllowed, "10030"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := h.ask(c.change, c.body)
			var got struct {
				Errors []struct{ Code, Title, Detail string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			if w.Code != c.status || len(got.Errors) != 1 || got.Errors[0].Code != c.code || got.Errors[0].Detail == "" {
				t.Errorf("answered %d %s, want %d with %s", w.Code, w.Body, c.status, c.code)
			}
		})
	}
	if h.log.Len() > 0 {
		t.Errorf("a stranger's mistakes reached the log: %s", h.log)
	}
}

func TestEachAddressHasItsAllowance(t *testing.T) {
	h := newHouse(t)
	from := func(remote string) int {
		return h.ask(func(r *http.Request) { r.RemoteAddr = remote }, withSecret("guess")).Code
	}
	for i := range 50 {
		if got := from("192.0.2.1:1000"); got != http.StatusForbidden {
			t.Fatalf("request %d answered %d", i, got)
		}
	}
	if got := from("192.0.2.1:2000"); got != http.StatusTooManyRequests {
		t.Errorf("beyond the burst: %d", got)
	}
	if got := from("192.0.2.2:1000"); got != http.StatusForbidden {
		t.Errorf("another address: %d", got)
	}
	*h.clock = h.clock.Add(time.Second)
	if got := from("192.0.2.1:2000"); got != http.StatusForbidden {
		t.Errorf("a second later: %d", got)
	}

	// One customer's IPv6 addresses are as many as they like.
	for i := range 50 {
		from(fmt.Sprintf("[2001:db8::%x]:1", i+1))
	}
	if got := from("[2001:db8::ffff]:1"); got != http.StatusTooManyRequests {
		t.Errorf("another address of the same /64: %d", got)
	}
}

func TestStoreFailureIsPassing(t *testing.T) {
	h := newHouse(t)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	w := h.ask(nil, withSecret(secret))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(h.log.String(), "demo token failed") {
		t.Errorf("answered %d, logged %q", w.Code, h.log)
	}
}
