package rest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// grant says what a client token means.
func (h *house) grant(token any) video.Grant {
	h.Helper()
	grant, err := h.config.Tokens.Verify(h.Context(), token.(string))
	h.must(err)
	return grant
}

func TestGenerateToken(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z")
	room := h.room(nil)
	path := "/rooms/" + room + "/actions/generate_join_client_token"
	for _, test := range []struct {
		body               any
		ttl, refresh       string
		identity           string
		publish, sub, send bool
	}{
		{nil, "12:10:00", "13:00:00", "", true, true, true},
		{"{}", "12:10:00", "13:00:00", "", true, true, true},
		{`{"token_ttl_secs":10,"refresh_token_ttl_secs":60}`, "12:00:10", "12:01:00", "", true, true, true},
		{`{"token_ttl_secs":3600,"refresh_token_ttl_secs":7200}`, "13:00:00", "14:00:00", "", true, true, true},
		{`{"identity":"user-17","grants":{"publish":false}}`, "12:10:00", "13:00:00", "user-17", false, true, true},
		{`{"identity":null,"grants":{"subscribe":false,"send_messages":false}}`, "12:10:00", "13:00:00", "", true, false, false},
	} {
		r := h.call("POST", path, test.body).want(http.StatusCreated)
		tokens := r.data()
		if got, want := tokens["token_expires_at"], "2021-04-20T"+test.ttl+".000000Z"; got != want {
			t.Errorf("%v: token expires at %v, want %v", test.body, got, want)
		}
		if got, want := tokens["refresh_token_expires_at"], "2021-04-20T"+test.refresh+".000000Z"; got != want {
			t.Errorf("%v: refresh token expires at %v, want %v", test.body, got, want)
		}
		grant := h.grant(tokens["token"])
		want := video.Grants{Publish: test.publish, Subscribe: test.sub, SendMessages: test.send}
		if grant.RoomID != video.RoomID(room) || grant.AccountID != h.account || grant.Identity != test.identity || grant.Grants != want {
			t.Errorf("%v: grant %+v", test.body, grant)
		}
		if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", r.header)
		}
	}
	for body, want := range map[string][]string{
		`{"token_ttl_secs":9}`:             {"10033 /token_ttl_secs"},
		`{"token_ttl_secs":3601}`:          {"10033 /token_ttl_secs"},
		`{"token_ttl_secs":null}`:          {"10026 /token_ttl_secs"},
		`{"refresh_token_ttl_secs":59}`:    {"10033 /refresh_token_ttl_secs"},
		`{"refresh_token_ttl_secs":86401}`: {"10033 /refresh_token_ttl_secs"},
		`{"token_ttl_secs":"1","refresh_token_ttl_secs":1,"identity":2,"grants":{"publish":3,"subscribe":null}}`: {
			"10026 /grants/publish", "10026 /grants/subscribe", "10026 /identity", "10033 /refresh_token_ttl_secs", "10026 /token_ttl_secs",
		},
		`{"grants":null}`: {"10026 /grants"},
		`{"grants":[]}`:   {"10026 /grants"},
		`{"identity":"` + strings.Repeat("x", 257) + `"}`:                    {"10025 /identity"},
		`{"identity":"` + strings.Repeat("é", 200) + `"}`:                    {"10015 /identity"}, // 400 bytes
		`{"token_ttl_secs":0,"identity":"` + strings.Repeat("é", 200) + `"}`: {"10015 /identity", "10033 /token_ttl_secs"},
	} {
		h.call("POST", path, body).wantFaults(http.StatusUnprocessableEntity, want...)
	}
	h.call("POST", "/rooms/"+absentID+"/actions/generate_join_client_token", nil).wantFaults(http.StatusNotFound, "10005")
	h.call("POST", path, nil, "Authorization", "").wantFaults(http.StatusUnauthorized, "10009")
	h.call("DELETE", "/rooms/"+room, nil).want(http.StatusNoContent)
	h.call("POST", path, nil).wantFaults(http.StatusNotFound, "10005")
}

func TestRefreshToken(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z")
	room, other := h.room(nil), h.room(nil)
	tokens := h.call("POST", "/rooms/"+room+"/actions/generate_join_client_token",
		`{"refresh_token_ttl_secs":3600,"identity":"user-17","grants":{"publish":false}}`).want(http.StatusCreated).data()
	refresh := tokens["refresh_token"].(string)
	before := h.grant(tokens["token"])
	path := "/rooms/" + room + "/actions/refresh_client_token"

	h.at("2021-04-20T12:59:00Z")
	for _, key := range []string{"", "Bearer " + apiKey, "Bearer " + foreignKey, "Bearer nonsense", "Basic eDp5"} {
		r := h.call("POST", path, map[string]any{"refresh_token": refresh, "token_ttl_secs": 30}, "Authorization", key, "Origin", "https://app.example").
			want(http.StatusCreated)
		if len(r.data()) != 2 || r.data()["token_expires_at"] != "2021-04-20T12:59:30.000000Z" {
			t.Errorf("answered %s", r.raw)
		}
		after := h.grant(r.data()["token"])
		before.ExpiresAt, after.ExpiresAt = time.Time{}, time.Time{}
		if before != after {
			t.Errorf("grant %+v became %+v", before, after)
		}
		if r.header.Get("Access-Control-Allow-Origin") != "*" || r.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("CORS headers %v", r.header)
		}
	}

	anonymous := func(path string, body any) reply {
		t.Helper()
		return h.call("POST", path, body, "Authorization", "")
	}
	for body, want := range map[string][]string{
		"":                     {"10004 /refresh_token"},
		"{}":                   {"10004 /refresh_token"},
		`{"refresh_token":""}`: {"10025 /refresh_token"},
		`{"refresh_token":null,"token_ttl_secs":9}`:   {"10026 /refresh_token", "10033 /token_ttl_secs"},
		`{"token_ttl_secs":3601}`:                     {"10004 /refresh_token", "10033 /token_ttl_secs"},
		`{"refresh_token":"x","token_ttl_secs":true}`: {"10026 /token_ttl_secs"},
	} {
		anonymous(path, body).wantFaults(http.StatusUnprocessableEntity, want...)
	}
	good := map[string]any{"refresh_token": refresh}
	for _, bad := range []string{"x", "a.b.c", refresh + "x", refresh[:len(refresh)-4], tokens["token"].(string), strings.Repeat("x", 10000)} {
		anonymous(path, map[string]any{"refresh_token": bad}).wantFaults(http.StatusForbidden, "10010")
	}
	anonymous("/rooms/"+other+"/actions/refresh_client_token", good).wantFaults(http.StatusForbidden, "10010")
	anonymous("/rooms/"+absentID+"/actions/refresh_client_token", good).wantFaults(http.StatusForbidden, "10010")
	anonymous("/rooms/nonsense/actions/refresh_client_token", good).wantFaults(http.StatusNotFound, "10006")

	h.at("2021-04-20T13:01:00Z")
	anonymous(path, good).wantFaults(http.StatusForbidden, "10010")
	h.at("2021-04-20T12:59:00Z")
	anonymous(path, good).want(http.StatusCreated)
	h.call("DELETE", "/rooms/"+room, nil).want(http.StatusNoContent)
	anonymous(path, good).wantFaults(http.StatusForbidden, "10010")
	if strings.Contains(h.log.String(), refresh) {
		t.Error("a token is in the log")
	}
}

func TestRefreshIsLimitedByAddress(t *testing.T) {
	h := newHouse(t)
	path := "/rooms/" + absentID + "/actions/refresh_client_token"
	ask := func() reply { return h.call("POST", path, `{"refresh_token":"x"}`, "Authorization", "") }
	for range refreshBurst {
		ask().wantFaults(http.StatusForbidden, "10010")
	}
	refused := false
	for range refreshBurst { // some are let in while this runs
		r := ask()
		if r.status != http.StatusTooManyRequests {
			continue
		}
		refused = true
		r.wantFaults(http.StatusTooManyRequests, "10011")
		if r.header.Get("Retry-After") != "1" || r.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("headers %v", r.header)
		}
		break
	}
	if !refused {
		t.Error("nobody was told to wait")
	}
	h.call("GET", "/rooms", nil).want(http.StatusOK)
	h.call("OPTIONS", path, nil).want(http.StatusNoContent)
}

func TestPreflight(t *testing.T) {
	h := newHouse(t)
	ask := []string{"Authorization", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST"}
	r := h.call("OPTIONS", "/rooms/"+absentID+"/actions/refresh_client_token", nil, ask...).want(http.StatusNoContent)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST, OPTIONS",
		"Access-Control-Allow-Headers": "authorization, content-type, x-request-id", "Access-Control-Max-Age": strconv.Itoa(24 * 3600),
		"Access-Control-Allow-Credentials": "",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	r = h.call("OPTIONS", "/rooms", nil, ask...).want(http.StatusNoContent)
	if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("headers %v", r.header)
	}
}
