package rest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestCredentials(t *testing.T) {
	h := newHouse(t)
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer wrong", apiKey, "Basic " + apiKey, "Bearer " + apiKey + "x", "Bearer " + strings.Repeat("x", 5000),
		"Bearer \x80\xff", "Bearer " + apiKey + " " + apiKey,
	} {
		for _, call := range []struct{ method, path string }{
			{"GET", "/rooms"},
			{"POST", "/rooms"},
			{"GET", "/rooms/nonsense"},
			{"DELETE", "/rooms/" + absentID},
			{"GET", "/room_sessions?filter[x]=1"},
			{"GET", "/room_participants/" + absentID},
			{"POST", "/room_sessions/" + absentID + "/actions/end"},
			{"POST", "/room_sessions/" + absentID + "/actions/kick"},
			{"POST", "/room_sessions/" + absentID + "/actions/mute"},
			{"POST", "/room_sessions/" + absentID + "/actions/unmute"},
			{"POST", "/room_sessions/" + absentID + "/actions/start_recording"},
			{"POST", "/room_sessions/" + absentID + "/actions/stop_recording"},
			{"DELETE", "/room_recordings"},
			{"POST", "/room_compositions"},
		} {
			r := h.call(call.method, call.path, nil, "Authorization", header).wantFaults(http.StatusUnauthorized, "10009")
			if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate is %q", r.header.Get("WWW-Authenticate"))
			}
		}
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		h.call("GET", "/rooms", nil, "Authorization", scheme+"  "+apiKey).want(http.StatusOK)
	}
	if log := h.log.String(); log != "" {
		t.Errorf("logged %s", log)
	}
}

func TestRouting(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{
		"", "/", "/nothing", "/rooms/", "/rooms//", "//rooms", "/./rooms", "/rooms/../rooms", "/rooms/%2e%2e/rooms", "/Rooms",
		"/rooms/" + absentID + "/", "/rooms/" + absentID + "/sessions/", "/rooms/" + absentID + "/actions/dance",
		"/room_recording", "/room_compositions/", "/room_sessions/" + absentID + "/actions/End", "/rooms%00",
	} {
		h.call("GET", path, nil).wantFaults(http.StatusNotFound, "10005")
		h.call("GET", path, nil, "Authorization", "").wantFaults(http.StatusNotFound, "10005")
	}
	for _, id := range []string{"x", "1", absentID + "0", strings.ReplaceAll(absentID, "-", ""), "{" + absentID[:34] + "}", "%00", "a%2Fb", "%20", "..%2f"} {
		for _, path := range []string{
			"/rooms/%s", "/rooms/%s/sessions", "/room_sessions/%s", "/room_sessions/%s/participants", "/room_participants/%s",
			"/room_recordings/%s", "/room_compositions/%s",
		} {
			h.call("GET", fmt.Sprintf(path, id), nil).wantFaults(http.StatusNotFound, "10006")
		}
	}
	for _, call := range []struct{ method, path, allow string }{
		{"PUT", "/rooms", "GET, HEAD, POST, OPTIONS"},
		{"DELETE", "/rooms", "GET, HEAD, POST, OPTIONS"},
		{"get", "/rooms", "GET, HEAD, POST, OPTIONS"},
		{"POST", "/rooms/" + absentID, "DELETE, GET, HEAD, PATCH, OPTIONS"},
		{"PUT", "/rooms/nonsense", "DELETE, GET, HEAD, PATCH, OPTIONS"},
		{"GET", "/rooms/" + absentID + "/actions/generate_join_client_token", "POST, OPTIONS"},
		{"HEAD", "/rooms/" + absentID + "/actions/refresh_client_token", "POST, OPTIONS"},
		{"POST", "/room_sessions", "GET, HEAD, OPTIONS"},
		{"TRACE", "/room_participants/" + absentID, "GET, HEAD, OPTIONS"},
		{"GET", "/room_sessions/" + absentID + "/actions/end", "POST, OPTIONS"},
		{"POST", "/room_recordings", "DELETE, GET, HEAD, OPTIONS"},
		{"PATCH", "/room_compositions/" + absentID, "DELETE, GET, HEAD, OPTIONS"},
	} {
		r := h.call(call.method, call.path, nil, "Authorization", "").wantFaults(http.StatusMethodNotAllowed, "10030")
		if got := r.header.Get("Allow"); got != call.allow {
			t.Errorf("%s %s allows %q, want %q", call.method, call.path, got, call.allow)
		}
	}
}

func TestAnyAcceptWillDo(t *testing.T) {
	h := newHouse(t)
	for _, accept := range []string{"*/*", "application/json", "text/html", "image/png;q=0", "nonsense"} {
		r := h.call("GET", "/rooms", nil, "Accept", accept).want(http.StatusOK)
		if got := r.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s gets %s", accept, got)
		}
	}
}

func TestRequestID(t *testing.T) {
	h := newHouse(t)
	for header, value := range map[string]string{"x-request-id": "abc-123", "request_id": "from the sample"} {
		r := h.call("GET", "/rooms", nil, header, value)
		got := r.header.Get("x-request-id")
		if got != r.header.Get("request-id") || (got == value) != !strings.Contains(value, " ") {
			t.Errorf("%s %q: got %q and %q", header, value, got, r.header.Get("request-id"))
		}
	}
	if got := h.call("GET", "/rooms", nil, "request_id", "abc").header.Get("request-id"); got != "abc" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{strings.Repeat("x", 129), "a\tb", "é"} {
		if got := h.call("GET", "/rooms", nil, "x-request-id", bad).header.Get("x-request-id"); !video.IsUUID(got) {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}

func TestBodies(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		body   string
		status int
		fault  string
	}{
		{"{", 400, "10023"},
		{"{}{}", 400, "10023"},
		{"{} x", 400, "10023"},
		{"{'a':1}", 400, "10023"},
		{`{"a":01}`, 400, "10023"},
		{`{"a":NaN}`, 400, "10023"},
		{"\x00", 400, "10023"},
		{strings.Repeat("[", 20000), 400, "10023"},
		{"{\"unique_name\":\"\xff\"}", 400, "10028"},
		{"\xfe\xff\x00{\x00}", 400, "10028"},
		{`{"unique_name":"` + strings.Repeat("x", MaxBodyBytes) + `"}`, 413, "10015"},
		{strings.Repeat(" ", MaxBodyBytes+1), 413, "10015"},
	} {
		h.call("POST", "/rooms", test.body).wantFaults(test.status, test.fault)
		h.call("PATCH", "/rooms/"+absentID, test.body).wantFaults(test.status, test.fault)
	}
	padded := "{}" + strings.Repeat(" ", MaxBodyBytes-2)
	h.call("POST", "/rooms", padded).want(http.StatusCreated)

	for contentType, status := range map[string]int{
		"application/json": 201, "application/json; charset=utf-8": 201, "application/json;charset=UTF-8": 201, "Application/JSON": 201,
		"application/vnd.api+json": 201, "": 201,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/xml": 415, "nonsense/": 415, ";": 415,
		"application/json; charset=iso-8859-1": 415, "application/jsonx": 415,
	} {
		h.call("POST", "/rooms", "{}", "Content-Type", contentType).want(status)
		h.call("POST", "/rooms", "", "Content-Type", contentType).want(http.StatusCreated)
	}
	h.call("POST", "/rooms", "{}", "Content-Type", "text/plain").wantFaults(http.StatusUnsupportedMediaType, "10029")
	h.call("POST", "/rooms", "{}", "Content-Encoding", "gzip").wantFaults(http.StatusUnsupportedMediaType, "10014")
	h.call("POST", "/rooms", "{}", "Content-Encoding", "identity").want(http.StatusCreated)
	h.call("GET", "/rooms", "no JSON at all", "Content-Type", "text/plain").want(http.StatusOK)
	id := h.room(nil)
	h.call("DELETE", "/rooms/"+id, "no JSON at all").want(http.StatusNoContent)
}

func TestUnknownFieldsAreNamed(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]string{
		`{"max_particpants":5,"unique_name":null}`: "max_particpants",
		`{"b":1,"a":{"x":1},"é/~ ,":1}`:            "a, b, %C3%A9~1~0%20%2C",
		`{"":1,"a\r\nb":2}`:                        ", a%0D%0Ab",
		`{}`:                                       "",
	} {
		r := h.call("POST", "/rooms", body).want(http.StatusCreated)
		if got := r.header.Get("x-unknown-fields"); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
	r := h.call("POST", "/rooms", `{"max_participants":0,"typo":1}`).wantFaults(http.StatusUnprocessableEntity, "10033 /max_participants")
	if got := r.header.Get("x-unknown-fields"); got != "typo" {
		t.Errorf("got %q", got)
	}
	id := h.room(nil)
	r = h.call("POST", "/rooms/"+id+"/actions/generate_join_client_token", `{"grants":{"pubish":true,"publish":true}}`).want(http.StatusCreated)
	if got := r.header.Get("x-unknown-fields"); got != "grants/pubish" {
		t.Errorf("got %q", got)
	}
	many := map[string]any{strings.Repeat("long", 100): 1}
	for i := range 30 {
		many[fmt.Sprintf("field%02d", i)] = i
	}
	names := strings.Split(h.call("POST", "/rooms", many).want(http.StatusCreated).header.Get("x-unknown-fields"), ", ")
	if len(names) != 21 || names[20] != "..." {
		t.Errorf("got %q", names)
	}
}

func TestHeadersTooLarge(t *testing.T) {
	h := newHouse(t)
	h.call("GET", "/rooms", nil, "Cookie", strings.Repeat("x", MaxHeaderBytes)).wantFaults(http.StatusRequestHeaderFieldsTooLarge, "10015")
	h.call("GET", "/rooms?x="+strings.Repeat("x", MaxHeaderBytes), nil).wantFaults(http.StatusRequestHeaderFieldsTooLarge, "10015")
	h.call("GET", "/rooms?x="+strings.Repeat("x", MaxHeaderBytes/2), nil).want(http.StatusOK)
}

// rooms lets a type embed Rooms and override its method of the same name.
type rooms interface{ Rooms }

// failing fails in a way of its own with everything that concerns rooms.
type failing struct {
	rooms
	fail func() error
}

func (f failing) Rooms(context.Context, video.RoomQuery) (video.List[video.Room], error) {
	return video.List[video.Room]{}, f.fail()
}

func (f failing) CreateRoom(context.Context, video.Room) (video.Room, error) {
	return video.Room{}, f.fail()
}

func TestFaultsOfTheServer(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		fail   func() error
		status int
		fault  string
		level  string
	}{
		{func() error { return errors.New("secret of the database") }, 500, "10007", "ERROR"},
		{func() error { panic("secret of the code") }, 500, "10007", "ERROR"},
		{func() error { return video.Errorf(video.CodeInternal, "secret") }, 500, "10007", "ERROR"},
		{func() error {
			return fmt.Errorf("list: %w", video.Errorf(video.CodeUnavailable, "the database rests: %w", errors.New("secret cause")))
		}, 503, "10037", "WARN"},
	} {
		h.config.Rooms = failing{h.store, test.fail}
		h.rebuild()
		for _, method := range []string{"GET", "POST"} {
			h.log.Reset()
			r := h.call(method, "/rooms", nil, "x-request-id", "the-request").wantFaults(test.status, test.fault)
			if test.status == 500 && strings.Contains(string(r.raw), "secret") {
				t.Errorf("told %s", r.raw)
			}
			if log := h.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "level="+test.level) ||
				!strings.Contains(log, "request=the-request") || !strings.Contains(log, "path=/v2/rooms") {
				t.Errorf("logged %s", log)
			}
			if got := r.header.Get("x-should-retry"); (got == "false") != (method == "POST" && test.status == 500) {
				t.Errorf("%s %d: x-should-retry is %q", method, test.status, got)
			}
			if got := r.header.Get("retry-after"); (got == "1") != (test.status == 503) {
				t.Errorf("%d: retry-after is %q", test.status, got)
			}
		}
	}
	h.config.Rooms = failing{h.store, func() error { panic(http.ErrAbortHandler) }}
	h.rebuild()
	defer func() {
		if p := recover(); p != any(http.ErrAbortHandler) {
			t.Errorf("recovered %v", p)
		}
	}()
	h.handler.ServeHTTP(httptest.NewRecorder(), newRequest(h, "GET", "/rooms", nil))
	t.Error("an aborted answer went on")
}

func TestEveryCodeHasAnAnswer(t *testing.T) {
	h := newHouse(t)
	for _, code := range []video.Code{
		video.CodeInvalid, video.CodeState, video.CodeUnauthorized, video.CodeForbidden, video.CodeNotFound, video.CodeRoomNotFound,
		video.CodeRoomFull, video.CodeDuplicate, video.CodeDuplicateParticipant, video.CodeKeyInUse, video.CodeStreamNotFound,
		video.CodeParticipantNotFound, video.CodeSubscriptionNotFound, video.CodeTooLarge, video.CodeTooMany, video.CodeMedia,
		video.CodeUnavailable, video.CodeInternal,
	} {
		if _, ok := byCode[code]; !ok {
			t.Errorf("%s has no row", code)
		}
	}
	h.config.Rooms = failing{h.store, func() error {
		return video.Errorf(video.CodeInvalid, "that is not so").WithField("/unique_name")
	}}
	h.rebuild()
	r := h.call("POST", "/rooms", nil).wantFaults(http.StatusUnprocessableEntity, "10015 /unique_name")
	entry := r.body["errors"].([]any)[0].(map[string]any)
	if entry["detail"] != "That is not so." || entry["meta"].(map[string]any)["url"] != "https://video.example.com/docs/errors/10015" {
		t.Errorf("entry %v", entry)
	}
	h.config.PublicURL = ""
	h.rebuild()
	r = h.call("POST", "/rooms", nil).want(http.StatusUnprocessableEntity)
	if !strings.Contains(string(r.raw), `"http://example.com/docs/errors/10015"`) {
		t.Errorf("answered %s", r.raw)
	}
}

// slowRooms deletes only after its caller has gone.
type slowRooms struct {
	rooms
	deleting chan struct{}
	gone     <-chan struct{}
}

func (s slowRooms) DeleteRoom(ctx context.Context, account video.AccountID, id video.RoomID) error {
	close(s.deleting)
	<-s.gone
	return s.rooms.DeleteRoom(ctx, account, id)
}

func TestDeletedRoomIsEmptiedThoughItsCallerHangsUp(t *testing.T) {
	h := newHouse(t)
	id := h.room(nil)
	ctx, hangUp := context.WithCancel(t.Context())
	slow := slowRooms{rooms: h.store, deleting: make(chan struct{}), gone: ctx.Done()}
	h.config.Rooms = slow
	h.rebuild()
	go func() {
		<-slow.deleting
		hangUp()
	}()
	h.handler.ServeHTTP(httptest.NewRecorder(), newRequest(h, "DELETE", "/rooms/"+id, nil).WithContext(ctx))
	if !slices.Equal(h.live.ended, []video.RoomID{video.RoomID(id)}) {
		t.Errorf("put out of %v", h.live.ended)
	}
}

// TestOverTheWire covers what only a real server does.
func TestOverTheWire(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewUnstartedServer(h.handler)
	server.Config.ReadTimeout = 300 * time.Millisecond
	server.Start()
	defer server.Close()
	send := func(raw string) (*http.Response, string) {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		h.must(err)
		defer conn.Close()
		_, err = io.WriteString(conn, raw)
		h.must(err)
		method, _, _ := strings.Cut(raw, " ")
		result, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		h.must(err)
		content, err := io.ReadAll(result.Body)
		h.must(err)
		return result, string(content)
	}
	head := " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + apiKey + "\r\n"

	get, content := send("GET /v2/rooms" + head + "\r\n")
	headed, nothing := send("HEAD /v2/rooms" + head + "\r\n")
	if headed.StatusCode != http.StatusOK || nothing != "" || headed.ContentLength != int64(len(content)) || headed.ContentLength != get.ContentLength {
		t.Errorf("HEAD: %d, %d bytes announced, %q sent", headed.StatusCode, headed.ContentLength, nothing)
	}
	deleted, nothing := send("DELETE /v2/rooms/" + h.room(nil) + head + "\r\n")
	if deleted.StatusCode != http.StatusNoContent || nothing != "" || deleted.Header.Get("Content-Type") != "" {
		t.Errorf("DELETE: %d %v %q", deleted.StatusCode, deleted.Header, nothing)
	}
	late, content := send("POST /v2/rooms" + head + "Content-Length: 10\r\n\r\n{")
	if late.StatusCode != http.StatusRequestTimeout || !strings.Contains(content, "10008") {
		t.Errorf("late body: %d %s", late.StatusCode, content)
	}
	checkEnvelope(t, []byte(content))
	endless, content := send("POST /v2/rooms" + strings.Replace(head, "Connection: close\r\n", "", 1) + "Content-Length: 99999999\r\n\r\n" + strings.Repeat(" ", MaxBodyBytes+1))
	if endless.StatusCode != http.StatusRequestEntityTooLarge || !endless.Close {
		t.Errorf("endless body: %d %s", endless.StatusCode, content)
	}
	checkEnvelope(t, []byte(content))
}

func TestAccessLog(t *testing.T) {
	h := newHouse(t)
	h.config.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.rebuild()
	h.call("GET", "/rooms?filter[unique_name]=personal", nil, "User-Agent", "Telnyx/JS 7.24.0", "x-request-id", "r-1")
	log := h.log.String()
	for _, part := range []string{"level=DEBUG", "request=r-1", "method=GET", "path=/v2/rooms", "status=200", `user_agent="Telnyx/JS 7.24.0"`} {
		if !strings.Contains(log, part) {
			t.Errorf("no %s in %s", part, log)
		}
	}
	if strings.Contains(log, apiKey) || strings.Contains(log, "personal") {
		t.Errorf("too much in %s", log)
	}
}
