package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/oidc"
	"github.com/rotunda-rtc/rotunda/internal/oidc/oidctest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const finishPath = "/portal_session/actions/finish_oidc"

// provide gives the house a sign-in provider, whose groups admins and engineers have roles.
func (h *house) provide() *oidctest.Provider {
	h.Helper()
	away := oidctest.New(h.TB)
	away.Claims["groups"] = []any{"engineers"}
	h.provideWith(away, oidc.Mapping{Claim: "groups", Roles: map[string]video.Role{"admins": video.RoleOwner, "engineers": video.RoleDeveloper}})
	return away
}

// provideWith takes a provider for that of the house, with the roles that it gives.
func (h *house) provideWith(away *oidctest.Provider, roles oidc.Mapping) {
	h.Helper()
	provider, err := oidc.New(oidc.Config{
		Issuer: away.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "Example", Roles: roles,
	})
	h.must(err)
	h.config.SingleSignOn = &SingleSignOn{Provider: provider, Account: h.account}
	h.rebuild()
}

// comeBack begins a sign-in, goes to the provider, and returns what the browser comes back with and the cookie it has meanwhile.
func (h *house) comeBack(away *oidctest.Provider) (back map[string]any, cookie *http.Cookie) {
	h.Helper()
	r := h.call("POST", "/portal_session/actions/begin_oidc", nil, "Authorization", "", "Cookie", "").want(http.StatusCreated)
	cookie, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	h.must(err)
	code, state := away.SignIn(r.data()["authorization_url"].(string))
	return map[string]any{"code": code, "state": state}, &http.Cookie{Name: cookie.Name, Value: cookie.Value}
}

// finish signs in as whoever the provider says.
func (h *house) finish(away *oidctest.Provider) reply {
	h.Helper()
	back, cookie := h.comeBack(away)
	return h.call("POST", finishPath, back, "Authorization", "", "Cookie", cookie.String())
}

func TestSigningInByOIDC(t *testing.T) {
	h := newHouse(t)
	away := h.provide()
	began := h.call("POST", "/portal_session/actions/begin_oidc", nil, "Authorization", "").want(http.StatusCreated)
	for _, part := range []string{"rotunda_oidc=", "HttpOnly", "SameSite=Strict", "Secure", "Path=/v2/portal_session;", "Max-Age=600"} {
		if cookie := began.header.Get("Set-Cookie"); !strings.Contains(cookie, part) {
			t.Errorf("the cookie %s is not %s", cookie, part)
		}
	}

	first := h.finish(away).want(http.StatusCreated)
	cookies := strings.Join(first.header.Values("Set-Cookie"), "\n")
	for _, part := range []string{"rotunda_portal=", "HttpOnly; Secure; SameSite=Strict", "rotunda_oidc=;", "Max-Age=0"} {
		if !strings.Contains(cookies, part) {
			t.Errorf("the cookies\n%s\nlack %s", cookies, part)
		}
	}
	member := first.data()["member"].(map[string]any)
	if member["role"] != "developer" || member["email"] != "ada@example.com" || member["oidc"] != true || member["has_password"] != false {
		t.Errorf("the member is %v", member)
	}
	session, _, _ := strings.Cut(first.header.Get("Set-Cookie"), ";")
	headers := []string{"Authorization", "", "Cookie", session, csrfHeader, first.data()["csrf_token"].(string)}
	h.call("POST", "/rooms", nil, headers...).want(http.StatusCreated)
	h.call("GET", "/members", nil, headers...).wantFaults(http.StatusForbidden, "10010")

	// The next sign-in has the role that the provider gives then, and so has every session.
	away.Claims["groups"] = []any{"admins"}
	second := h.finish(away).want(http.StatusCreated).data()["member"].(map[string]any)
	if second["id"] != member["id"] || second["role"] != "owner" {
		t.Errorf("the member became %v", second)
	}
	h.call("GET", "/members", nil, headers...).want(http.StatusOK)

	for action, detail := range map[string]string{
		"member.create": "ada@example.com, developer, by OIDC", "member.update": "ada@example.com, owner, by OIDC", "member.sign_in": "by OIDC",
	} {
		entries := h.call("GET", "/audit_events?filter[action]="+action, nil).body["data"].([]any)
		want := 1
		if action == "member.sign_in" {
			want = 2
		}
		if len(entries) != want {
			t.Errorf("%d entries of %s", len(entries), action)
			continue
		}
		if entry := entries[0].(map[string]any); entry["detail"] != detail || entry["object_id"] != member["id"] {
			t.Errorf("the entry is %v", entry)
		}
	}
}

// Whoever is not let in is told why, gets no session, becomes no member, and leaves a line in the log under the request's id and without a
// secret in it.
func TestOIDCRefusals(t *testing.T) {
	h := newHouse(t)
	_, err := h.store.AddMember(t.Context(), video.Member{AccountID: h.account, Email: "taken@example.com", Name: "T", Role: video.RoleViewer})
	h.must(err)
	var away *oidctest.Provider
	claim := func(name string, value any) func(map[string]any) {
		return func(map[string]any) { away.Claims[name] = value }
	}
	sent := func(name string, value any) func(map[string]any) {
		return func(back map[string]any) { back[name] = value }
	}
	for name, c := range map[string]struct {
		happens func(back map[string]any) // between the way there and the way back
		status  int
		fault   string
		says    string
	}{
		"another state":      {sent("state", "x"), http.StatusUnauthorized, "10009", "not begun in this browser"},
		"another nonce":      {claim("nonce", "x"), http.StatusUnauthorized, "10009", "does not hold"},
		"a code of nobody":   {sent("code", "x"), http.StatusUnauthorized, "10009", "finished before"},
		"another provider":   {sent("issuer", "https://elsewhere.example"), http.StatusUnauthorized, "10009", "does not hold"},
		"expired":            {claim("exp", 1), http.StatusUnauthorized, "10009", "out of date"},
		"not good yet":       {claim("nbf", time.Now().Add(time.Hour).Unix()), http.StatusUnauthorized, "10009", "clocks"},
		"a stolen key":       {func(map[string]any) { away.Stolen = true }, http.StatusUnauthorized, "10009", "does not hold"},
		"no role":            {claim("groups", []any{"tea"}), http.StatusForbidden, "10010", "You have no role here"},
		"no address":         {claim("email", ""), http.StatusForbidden, "10010", "no email address"},
		"a broken address":   {claim("email", "ada"), http.StatusUnprocessableEntity, "10015 /email", "name@host"},
		"somebody's address": {claim("email", "taken@example.com"), http.StatusUnprocessableEntity, "10012", "does not vouch"},
		"given up":           {sent("error", "access_denied"), http.StatusForbidden, "10010", "was given up"},
		"a strange error":    {sent("error", "Call 555-0100"), http.StatusServiceUnavailable, "10037", "refuses what this server asks for"},
		"down by now":        {func(map[string]any) { away.Down = true }, http.StatusServiceUnavailable, "10037", "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			h.TB = t
			away = h.provide()
			away.Claims["email_verified"] = false
			back, cookie := h.comeBack(away)
			code, state := back["code"].(string), back["state"].(string)
			c.happens(back)
			before := h.everything()
			h.log.Reset()
			r := h.call("POST", finishPath, back, "Authorization", "", "Cookie", cookie.String())
			r.wantFaults(c.status, c.fault)
			if !strings.Contains(string(r.raw), c.says) || strings.Contains(string(r.raw), "555") {
				t.Errorf("it says %s", r.raw)
			}
			if r.header.Get("Set-Cookie") != "" {
				t.Errorf("it sets %s", r.header.Get("Set-Cookie"))
			}
			if lines := changed(before, h.everything()); len(lines) > 0 {
				t.Errorf("it changed %q", lines)
			}
			log, id := h.log.String(), r.header.Get("X-Request-Id")
			if id == "" || strings.Count(log, id) != 1 {
				t.Errorf("the log says %q of the request %q", log, id)
			}
			for _, secret := range []string{code, state, cookie.Value, "eyJ", oidctest.ClientSecret} {
				if strings.Contains(log, secret) {
					t.Errorf("%s is in the log:\n%s", secret, log)
				}
			}
		})
	}
}

// Who was invited has the role of the invitation where the provider sets none; who was not is told whom to ask. Who is removed is out at
// once, and has to be invited anew.
func TestOIDCForThoseWhoAreInvited(t *testing.T) {
	h := newHouse(t)
	away := h.provide()
	h.provideWith(away, oidc.Mapping{Claim: "groups"})
	r := h.finish(away)
	r.wantFaults(http.StatusForbidden, "10010")
	if !strings.Contains(string(r.raw), "ask an owner to invite") {
		t.Errorf("it says %s", r.raw)
	}
	invite := map[string]any{"email": "Ada@example.com", "name": "A", "role": "support"}
	invited := h.call("POST", "/members", invite).want(http.StatusCreated).data()
	in := h.finish(away).want(http.StatusCreated)
	member := in.data()["member"].(map[string]any)
	if member["id"] != invited["id"] || member["role"] != "support" || member["name"] != "Ada Lovelace" || member["oidc"] != true {
		t.Errorf("the member is %v", member)
	}
	h.call("PATCH", "/members/"+invited["id"].(string), map[string]any{"role": "viewer"}).want(http.StatusOK)
	if again := h.finish(away).want(http.StatusCreated).data()["member"].(map[string]any); again["role"] != "viewer" {
		t.Errorf("the member became %v", again)
	}
	session, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	h.call("GET", "/rooms", nil, "Authorization", "", "Cookie", session).want(http.StatusOK)
	h.call("DELETE", "/members/"+invited["id"].(string), nil).want(http.StatusNoContent)
	h.call("GET", "/rooms", nil, "Authorization", "", "Cookie", session).wantFaults(http.StatusUnauthorized, "10009")
	h.finish(away).wantFaults(http.StatusForbidden, "10010")
}

// A page of another site can neither begin nor finish, and nobody finishes what began in another browser.
func TestOIDCIsSafeFromOtherSites(t *testing.T) {
	h := newHouse(t)
	away := h.provide()
	back, cookie := h.comeBack(away)
	for _, site := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
		h.call("POST", "/portal_session/actions/begin_oidc", nil, append([]string{"Authorization", ""}, site...)...).
			wantFaults(http.StatusForbidden, "10010")
		h.call("POST", finishPath, back, append([]string{"Authorization", "", "Cookie", cookie.String()}, site...)...).
			wantFaults(http.StatusForbidden, "10010")
	}
	_, theirs := h.comeBack(away)
	h.call("POST", finishPath, back, "Authorization", "").wantFaults(http.StatusUnauthorized, "10009")
	h.call("POST", finishPath, back, "Authorization", "", "Cookie", theirs.String()).wantFaults(http.StatusUnauthorized, "10009")
	h.call("POST", finishPath, back, "Authorization", "", "Cookie", cookie.String()).want(http.StatusCreated)
	h.call("POST", finishPath, back, "Authorization", "", "Cookie", cookie.String()).wantFaults(http.StatusUnauthorized, "10009")
}

func TestAProviderThatIsDownIsSaidToBe(t *testing.T) {
	h := newHouse(t)
	away := h.provide()
	away.Down = true
	r := h.call("POST", "/portal_session/actions/begin_oidc", nil, "Authorization", "")
	r.wantFaults(http.StatusServiceUnavailable, "10037")
	if !strings.Contains(string(r.raw), "The sign-in provider cannot be reached") || strings.Contains(string(r.raw), "repairs") {
		t.Errorf("it says %s", r.raw)
	}
	if !strings.Contains(h.log.String(), "down for repairs") {
		t.Errorf("the log says %s", h.log)
	}
}

func TestSignInMethods(t *testing.T) {
	h := newHouse(t)
	methods := func() map[string]any {
		return h.call("GET", "/portal_session/methods", nil, "Authorization", "").want(http.StatusOK).data()
	}
	if got := methods(); got["passwords"] != "all" || got["oidc"] != nil {
		t.Errorf("without a provider: %v", got)
	}
	h.call("POST", "/portal_session/actions/begin_oidc", nil, "Authorization", "").wantFaults(http.StatusNotFound, "10005")
	h.call("POST", finishPath, map[string]any{"code": "x", "state": "x"}, "Authorization", "").wantFaults(http.StatusNotFound, "10005")
	h.provide()
	h.members().LimitPasswords(auth.PasswordsForOwners)
	if got := methods(); got["passwords"] != "owners" || fmt.Sprint(got["oidc"]) != "map[name:Example sets_roles:true]" {
		t.Errorf("with one: %v", got)
	}
}

// One address may knock so often, by whichever way.
func TestSigningInIsLimited(t *testing.T) {
	h := newHouse(t)
	h.provide()
	knock := func(path string, body map[string]any) reply { return h.call("POST", path, body, "Authorization", "") }
	for left := signInBurst; left > 0; left -= 2 {
		knock("/portal_session/actions/begin_oidc", nil).want(http.StatusCreated)
		knock(finishPath, map[string]any{"code": "x", "state": "x"}).want(http.StatusUnauthorized)
	}
	for path, body := range map[string]map[string]any{"/portal_session/actions/begin_oidc": nil, finishPath: {"code": "x", "state": "x"}} {
		deadline := time.Now().Add(10 * time.Second) // while we knocked, time passed, for which some more are let in
		for knock(path, body).status != http.StatusTooManyRequests {
			if time.Now().After(deadline) {
				t.Fatalf("%s is never asked too often", path)
			}
		}
	}
}
