package whip_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/whip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = video.AccountID("a0000000-0000-4000-8000-000000000000")

var (
	sends   = livetest.Offer("0 audio sendonly", "1 video sendonly")
	listens = livetest.Offer("0 audio recvonly", "1 video recvonly")
)

type house struct {
	t       *testing.T
	host    *live.Host
	rooms   livetest.Rooms
	journal livetest.Journal
	media   livetest.Media
	room    video.Room
	server  *httptest.Server
	handler *whip.Handler
	grants  map[string]video.Grant
}

func newHouse(t *testing.T, change ...func(*whip.Config)) *house {
	t.Helper()
	h := &house{}
	h.open(t, &h.media, change...)
	return h
}

// open opens the house for a test, with this media.
func (h *house) open(t *testing.T, media live.Media, change ...func(*whip.Config)) {
	t.Helper()
	h.t, h.grants = t, make(map[string]video.Grant)
	h.room = h.rooms.Add(account, 3)
	h.host = live.NewHost(live.Config{Rooms: &h.rooms, Journal: &h.journal, Media: media, MaxViewers: 2, Linger: -1})
	config := whip.Config{Host: h.host, Tokens: h, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&config)
	}
	h.handler = whip.New(config)
	h.server = httptest.NewServer(h.handler)
	all := video.Grant{AccountID: account, RoomID: h.room.ID, Grants: video.AllGrants}
	h.grants["good"] = all
	none := all
	none.Grants = video.Grants{}
	h.grants["powerless"] = none
	foreign := all
	foreign.RoomID = h.rooms.Add(account, 3).ID
	h.grants["foreign"] = foreign
	t.Cleanup(func() {
		if err := errors.Join(h.host.Close(context.Background()), h.handler.Close(context.Background()), h.journal.Err()); err != nil {
			t.Errorf("close: %v", err)
		}
		h.server.Close()
		http.DefaultClient.CloseIdleConnections()
		if n := h.media.Open(); n != 0 {
			t.Errorf("%d transports were left open", n)
		}
	})
}

// Verify implements whip.Tokens.
func (h *house) Verify(_ context.Context, token string) (video.Grant, error) {
	grant, ok := h.grants[token]
	if !ok {
		return video.Grant{}, video.Errorf(video.CodeUnauthorized, "the token is not valid")
	}
	return grant, nil
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (h *house) call(method, target, body string, header ...string) answer {
	h.t.Helper()
	if !strings.HasPrefix(target, "http") {
		target = h.server.URL + target
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer good")
	if body != "" {
		req.Header.Set("Content-Type", "application/sdp")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if response.Header.Get("Access-Control-Allow-Origin") != "*" {
		h.t.Errorf("%s %s: pages elsewhere may not read the answer", method, target)
	}
	return answer{response.StatusCode, response.Header, string(b)}
}

func (h *house) whip(name string) string {
	return "/rooms/" + string(h.room.ID) + "/whip/" + url.PathEscape(name)
}

func (h *house) whep(parts ...string) string {
	path := "/rooms/" + string(h.room.ID) + "/whep"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

func (h *house) created(path, offer string) (location string) {
	h.t.Helper()
	a := h.call("POST", path, offer)
	location = a.header.Get("Location")
	if a.status != http.StatusCreated || a.header.Get("Content-Type") != "application/sdp" || !strings.HasPrefix(a.body, "v=0") || location == "" {
		h.t.Fatalf("POST %s: %+v", path, a)
	}
	return location
}

// witness joins the room and reports what it hears.
func (h *house) witness() (*live.Participant, live.Snapshot, <-chan live.Notice) {
	h.t.Helper()
	heard := make(chan live.Notice, 100)
	p, snapshot, err := h.host.Join(h.t.Context(), live.JoinRequest{
		Grant: h.grants["good"], ID: video.ParticipantID(video.NewUUID()),
		Listener: live.ListenerFunc(func(n live.Notice) { heard <- n }),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p, snapshot, heard
}

func next[T live.Notice](t *testing.T, heard <-chan live.Notice) T {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case n := <-heard:
			if n, ok := n.(T); ok {
				return n
			}
		case <-timeout:
			var none T
			t.Fatalf("no %T came", none)
		}
	}
}

func (a answer) want(t *testing.T, name string, status int) {
	t.Helper()
	var envelope struct {
		Errors []struct{ Code, Title, Detail string }
	}
	err := json.Unmarshal([]byte(a.body), &envelope)
	if a.status != status || err != nil || len(envelope.Errors) != 1 || envelope.Errors[0].Code == "" ||
		envelope.Errors[0].Title == "" || envelope.Errors[0].Detail == "" {
		t.Errorf("%s: got %d %s, want %d", name, a.status, a.body, status)
	}
}

func TestPublishAndPlay(t *testing.T) {
	h := newHouse(t, func(c *whip.Config) { c.PublicURL = "https://video.example.com" })
	_, _, heard := h.witness()
	location := h.created(h.whip("stage left"), sends)
	if !strings.HasPrefix(location, "https://video.example.com/rooms/"+string(h.room.ID)+"/whip/stage%20left/") {
		t.Errorf("Location: %s", location)
	}
	joined := next[live.ParticipantJoined](t, heard).Participant
	stream := next[live.StreamPublished](t, heard).Stream
	if joined.Context != "stage left" || joined.ReceivesMessages || stream.Key != "self" || !stream.AudioEnabled || !stream.VideoEnabled {
		t.Errorf("heard of %+v and %+v", joined, stream)
	}
	h.call("POST", h.whip("stage left"), sends).want(t, "name in use", http.StatusConflict)

	byName := h.created(h.whep("stage left"), listens)
	byKey := h.created(h.whep(string(joined.ID), "self"), livetest.Offer("0 video recvonly"))
	last := h.media.All()
	if s := last[len(last)-1].Subscriptions(); len(s) != 1 || s[0].Audio || !s[0].Video || s[0].StreamID != stream.ID {
		t.Errorf("subscriptions: %+v", s)
	}
	h.call("POST", h.whep("stage left"), listens).want(t, "too many viewers", http.StatusServiceUnavailable)
	for _, l := range []string{byName, byKey} {
		path := strings.TrimPrefix(l, "https://video.example.com")
		if a := h.call("DELETE", path, ""); a.status != http.StatusOK {
			t.Errorf("DELETE %s: %+v", path, a)
		}
		h.call("DELETE", path, "").want(t, "deleted twice", http.StatusNotFound)
	}
	if n := h.media.Open(); n != 2 {
		t.Errorf("%d transports are open", n)
	}
	h.created(h.whep("stage left"), listens)

	path := strings.TrimPrefix(location, "https://video.example.com")
	h.call("DELETE", path, "", "Authorization", "").want(t, "no token", http.StatusUnauthorized)
	h.call("DELETE", path, "", "Authorization", "Bearer foreign").want(t, "foreign token", http.StatusUnauthorized)
	if a := h.call("DELETE", path, ""); a.status != http.StatusOK {
		t.Errorf("DELETE: %+v", a)
	}
	if left := next[live.ParticipantLeft](t, heard); left.ID != joined.ID || left.Reason != video.LeftByChoice {
		t.Errorf("heard %+v", left)
	}
	eventually(t, func() bool { return h.media.Open() == 1 }) // the viewer went with the stream
	h.created(h.whip("stage left"), sends)                    // the name is free again
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRefusals(t *testing.T) {
	h := newHouse(t)
	h.created(h.whip("live"), sends)
	noSuchRoom := "/rooms/" + video.NewUUID()
	big := sends + strings.Repeat("a=x\r\n", 20_000)
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"no token", "POST", h.whip("x"), sends, []string{"Authorization", ""}, 401},
		{"basic", "POST", h.whip("x"), sends, []string{"Authorization", "Basic good"}, 401},
		{"forged token", "POST", h.whip("x"), sends, []string{"Authorization", "Bearer forged"}, 401},
		{"foreign token", "POST", h.whip("x"), sends, []string{"Authorization", "Bearer foreign"}, 401},
		{"other room", "POST", noSuchRoom + "/whip/x", sends, nil, 401},
		{"no grant to publish", "POST", h.whip("x"), sends, []string{"Authorization", "Bearer powerless"}, 403},
		{"no grant to play", "POST", h.whep("live"), listens, []string{"Authorization", "Bearer powerless"}, 403},
		{"no content type", "POST", h.whip("x"), sends, []string{"Content-Type", ""}, 415},
		{"json", "POST", h.whip("x"), "{}", []string{"Content-Type", "application/json"}, 415},
		{"wants html", "POST", h.whip("x"), sends, []string{"Accept", "text/html"}, 406},
		{"garbage", "POST", h.whip("x"), "garbage", nil, 422},
		{"empty", "POST", h.whip("x"), "", []string{"Content-Type", "application/sdp"}, 422},
		{"nothing sent", "POST", h.whip("x"), listens, nil, 422},
		{"nothing received", "POST", h.whep("live"), sends, nil, 422},
		{"too large", "POST", h.whip("x"), big, nil, 413},
		{"long name", "POST", h.whip(strings.Repeat("x", 129)), sends, nil, 400},
		{"odd name", "POST", h.whip("a\x00b"), sends, nil, 400},
		{"two cameras", "POST", h.whip("x"), livetest.Offer("0 video sendonly", "1 video sendrecv"), nil, 422},
		{"a publisher who also receives", "POST", h.whip("x"), livetest.Offer("0 video sendonly", "1 audio recvonly"), nil, 422},
		{"a viewer who also sends", "POST", h.whep("live"), livetest.Offer("0 video recvonly", "1 audio sendonly"), nil, 422},
		{"nobody of that name yet", "POST", h.whep("x"), listens, nil, 409},
		{"no such participant yet", "POST", h.whep(video.NewUUID(), "self"), listens, nil, 409},
		{"no such resource", "DELETE", h.whip("live") + "/" + video.NewUUID(), "", nil, 404},
		{"no such resource to PATCH", "PATCH", h.whip("live") + "/" + video.NewUUID(), "", nil, 404},
		{"no such resource to GET", "GET", h.whip("live") + "/" + video.NewUUID(), "", nil, 404},
		{"no such viewer to GET", "GET", h.whep("live") + "/" + video.NewUUID(), "", nil, 404},
		{"GET without token", "GET", h.whip("live"), "", []string{"Authorization", ""}, 401},
		{"PATCH without token", "PATCH", h.whip("live") + "/" + video.NewUUID(), "", []string{"Authorization", ""}, 401},
		{"PUT", "PUT", h.whip("live"), "", nil, 405},
		{"PATCH of an endpoint", "PATCH", h.whip("live"), "", nil, 405},
		{"POST to a resource", "POST", h.whip("live") + "/" + video.NewUUID(), sends, nil, 405},
		{"no such path", "GET", "/rooms/x/y", "", nil, 404},
	} {
		h.call(test.method, test.path, test.body, test.header...).want(t, test.name, test.status)
	}
	if n := h.media.Open(); n != 1 {
		t.Errorf("%d transports are open", n)
	}
	h.created(h.whip("x"), livetest.Offer("7 video sendrecv"))
	h.created(h.whip("y"), sends)
	full := h.call("POST", h.whip("z"), sends)
	full.want(t, "room full", 503)
	if full.header.Get("Retry-After") == "" {
		t.Error("nothing tells when to try again")
	}
	h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { return errors.New("no codec in common") }
	h.call("POST", h.whep("live"), listens).want(t, "no codec", 422)
	h.rooms.Delete(h.room.ID)
	h.call("POST", h.whip("w"), sends).want(t, "room deleted", 404)
}

func TestPreflight(t *testing.T) {
	h := newHouse(t)
	for path, methods := range map[string]string{
		h.whip("x"): "GET, HEAD, POST, OPTIONS", h.whip("x") + "/r": "DELETE, GET, HEAD, PATCH, OPTIONS",
		h.whep("x"): "GET, HEAD, POST, OPTIONS", h.whep("p", "k"): "DELETE, GET, HEAD, PATCH, POST, OPTIONS",
		h.whep("p", "k", "r"): "DELETE, GET, HEAD, PATCH, OPTIONS",
	} {
		accepts := func(method, header, kind string) bool {
			if !strings.Contains(methods, method) {
				kind = ""
			}
			return header == kind
		}
		a := h.call("OPTIONS", path, "", "Authorization", "", "Origin", "https://elsewhere.test", "Access-Control-Request-Method", "POST")
		if a.status != http.StatusOK || a.body != "" || a.header.Get("Allow") != methods || a.header.Get("Access-Control-Allow-Methods") != methods ||
			a.header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, If-Match" ||
			a.header.Get("Access-Control-Allow-Credentials") != "" ||
			!accepts("POST", a.header.Get("Accept-Post"), "application/sdp") ||
			!accepts("PATCH", a.header.Get("Accept-Patch"), "application/trickle-ice-sdpfrag") {
			t.Errorf("OPTIONS %s: %+v", path, a)
		}
	}
}

func TestMediaDecidesAboutThePublisher(t *testing.T) {
	h := newHouse(t, func(c *whip.Config) { c.ConnectTimeout = 100 * time.Millisecond })
	_, _, heard := h.witness()
	gone := func(name string) {
		t.Helper()
		if left := next[live.ParticipantLeft](t, heard); left.Reason != video.LeftConnectionLost {
			t.Errorf("%s: heard %+v", name, left)
		}
	}
	location := h.created(h.whip("never connects"), sends)
	gone("never connects")
	eventually(t, func() bool { return h.call("DELETE", location, "").status == http.StatusNotFound })

	h.created(h.whip("connects"), sends)
	id := next[live.ParticipantJoined](t, heard).Participant.ID
	updates := h.media.Transport(id).Updates()
	updates.Connected()
	time.Sleep(200 * time.Millisecond) // longer than it may take to connect
	if n := h.media.Open(); n != 2 {
		t.Fatalf("%d transports are open", n)
	}
	updates.Failed(errors.New("ICE"))
	gone("fails")
}

func TestRoomDeletedUnderPublisher(t *testing.T) {
	h := newHouse(t)
	location := h.created(h.whip("x"), sends)
	h.created(h.whep("x"), listens)
	h.rooms.Delete(h.room.ID)
	if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
		t.Fatal(err)
	}
	if n := h.media.Open(); n != 0 {
		t.Errorf("%d transports are open", n)
	}
	eventually(t, func() bool { return h.call("DELETE", location, "").status == http.StatusNotFound })
}

func TestKickEndsPublisherAndViewers(t *testing.T) {
	h := newHouse(t)
	family := h.grants["good"]
	family.Family = "f"
	h.grants["family"] = family
	witness, _, heard := h.witness()
	bearer := []string{"Authorization", "Bearer family"}
	location := h.call("POST", h.whip("x"), sends, bearer...).header.Get("Location")
	watching := h.created(h.whep("x"), listens)
	id := next[live.ParticipantJoined](t, heard).Participant.ID
	_, err := h.host.Kick(t.Context(), h.room.ID, witness.SessionID(), video.Selection{IDs: []video.ParticipantID{id}})
	if err != nil {
		t.Fatal(err)
	}
	if left := next[live.ParticipantLeft](t, heard); left.ID != id || left.Reason != video.LeftKicked {
		t.Errorf("heard %+v", left)
	}
	h.call("DELETE", location, "").want(t, "the kicked publisher", http.StatusNotFound)
	h.call("DELETE", watching, "").want(t, "its viewer", http.StatusNotFound)
	// The bar stands even where the verifier has not heard of the revocation yet.
	h.call("POST", h.whip("x"), sends, bearer...).want(t, "publishing again", http.StatusUnauthorized)
	h.created(h.whip("y"), sends)
	h.call("POST", h.whep("y"), listens, bearer...).want(t, "watching", http.StatusUnauthorized)
	delete(h.grants, "family")
	h.call("DELETE", location, "", bearer...).want(t, "with the revoked token", http.StatusUnauthorized)
	eventually(t, func() bool { return h.media.Open() == 2 })
}

func TestMutedPublisherAndEndedSession(t *testing.T) {
	h := newHouse(t)
	witness, _, heard := h.witness()
	location := h.created(h.whip("x"), sends)
	stream := next[live.StreamPublished](t, heard).Stream
	if _, err := h.host.Mute(t.Context(), h.room.ID, witness.SessionID(), video.Selection{All: true}); err != nil {
		t.Fatal(err)
	}
	transport := h.media.Transport(stream.ParticipantID)
	if transport.Gate(stream.ID, video.Audio) || !transport.Gate(stream.ID, video.Video) {
		t.Error("the gates are not as muted")
	}
	if _, err := h.host.EndSession(t.Context(), h.room.ID, witness.SessionID()); err != nil {
		t.Fatal(err)
	}
	h.call("DELETE", location, "").want(t, "after the end", http.StatusNotFound)
}

func TestClose(t *testing.T) {
	h := newHouse(t)
	_, _, heard := h.witness()
	h.created(h.whip("x"), sends)
	h.created(h.whep("x"), listens)
	if err := h.handler.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := next[live.ParticipantLeft](t, heard); left.Reason != video.LeftServerShutdown {
		t.Errorf("heard %+v", left)
	}
	h.call("POST", h.whip("y"), sends).want(t, "closed", http.StatusServiceUnavailable)
	if n := h.media.Open(); n != 1 {
		t.Errorf("%d transports are open", n)
	}
}

// A client that goes away while its offer is being answered leaves nothing behind.
func TestClientGivesUp(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.media.OnNegotiate = func(ctx context.Context, _ video.ParticipantID, _ string) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	req, _ := http.NewRequestWithContext(ctx, "POST", h.server.URL+h.whip("x"), strings.NewReader(sends))
	req.Header.Set("Authorization", "bearer good")
	req.Header.Set("Content-Type", "application/sdp; charset=utf-8")
	if response, err := http.DefaultClient.Do(req); err == nil {
		_ = response.Body.Close()
		t.Fatal("answered")
	}
	eventually(t, func() bool { return h.media.Open() == 0 && len(h.media.All()) == 1 })
}

// Whatever the body, the answer is a clear one.
func FuzzOffer(f *testing.F) {
	f.Add(sends)
	f.Add("v=0\r\nm=audio 0 x 0\r\na=mid:0\r\na=bundle-only\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		rooms := livetest.Rooms{}
		room := rooms.Add(account, 2)
		host := live.NewHost(live.Config{Rooms: &rooms, Journal: &livetest.Journal{}, Media: &livetest.Media{}, Linger: -1})
		h := whip.New(whip.Config{Host: host, Tokens: &house{grants: map[string]video.Grant{
			"good": {AccountID: account, RoomID: room.ID, Grants: video.AllGrants},
		}}})
		w := httptest.NewRecorder()
		req := httptest.NewRequest("POST", fmt.Sprintf("/rooms/%s/whip/x", room.ID), strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer good")
		req.Header.Set("Content-Type", "application/sdp")
		h.ServeHTTP(w, req)
		switch w.Code {
		case 201, 422, 413, 400:
		default:
			t.Errorf("status %d for %q", w.Code, body)
		}
		_ = h.Close(t.Context())
		_ = host.Close(t.Context())
	})
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 5 ::1 9 typ host\r\n")
	f.Add("m=\na=mid:0\nm=\na=mid:")
	f.Fuzz(func(t *testing.T, body string) {
		rooms := livetest.Rooms{}
		room := rooms.Add(account, 2)
		host := live.NewHost(live.Config{Rooms: &rooms, Journal: &livetest.Journal{}, Media: &livetest.Media{}, Linger: -1})
		h := whip.New(whip.Config{Host: host, Tokens: &house{grants: map[string]video.Grant{
			"good": {AccountID: account, RoomID: room.ID, Grants: video.AllGrants},
		}}})
		send := func(method, target, kind, body string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			req := httptest.NewRequest(method, target, strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer good")
			req.Header.Set("Content-Type", kind)
			req.Header.Set("If-Match", "*")
			h.ServeHTTP(w, req)
			return w
		}
		created := send("POST", fmt.Sprintf("/rooms/%s/whip/x", room.ID), "application/sdp", sends)
		switch w := send("PATCH", created.Header().Get("Location"), "application/trickle-ice-sdpfrag", body); w.Code {
		case 200, 204, 413, 400:
		default:
			t.Errorf("status %d for %q", w.Code, body)
		}
		_ = h.Close(t.Context())
		_ = host.Close(t.Context())
	})
}
