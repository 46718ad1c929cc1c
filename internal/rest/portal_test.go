package rest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// as signs in a member of this role and returns the headers of the portal: the cookie, and no key.
func (s *scene) as(role video.Role) (headers []string) {
	s.Helper()
	member, err := s.store.AddMember(s.Context(), video.Member{
		AccountID: s.account, Email: video.NewUUID() + "@example.com", Name: string(role), Role: role,
	})
	s.must(err)
	link, _, err := s.config.Members.PasswordLink(s.Context(), s.account, member.ID)
	s.must(err)
	found, err := s.config.Members.UseLink(s.Context(), link, "correct horse battery", video.Member{})
	s.must(err)
	return []string{"Authorization", "", "Cookie", sessionCookie + "=" + found.Secret, csrfHeader, found.CSRF}
}

// members are the real ones, with what only their callers elsewhere ask.
func (h *house) members() *auth.Members { return h.config.Members.(*auth.Members) }

// Each role at each operation of the document: who lacks the right is told so before anything else is looked at, and who has
// it gets past that. The table here is the one of docs/design/portal.md.
func TestEachRoleAtEachOperation(t *testing.T) {
	s := newScene(t)
	has := map[video.Role][]string{
		video.RoleOwner:     {"read", "moderate", "tokens", "write", "administer"},
		video.RoleDeveloper: {"read", "moderate", "tokens", "write"},
		video.RoleSupport:   {"read", "moderate"},
		video.RoleViewer:    {"read"},
	}
	for _, role := range video.AllRoles {
		headers, refused := s.as(role), 0
		for path, item := range contract().doc.Paths.Map() {
			path := strings.NewReplacer("{", "", "}", "").Replace(path)
			for method, op := range item.Operations() {
				if op.Security != nil {
					continue
				}
				need := op.Extensions["x-right"].(string)
				r := s.call(method, path, "{", headers...)
				if slices.Contains(has[role], need) {
					if r.status == http.StatusForbidden || r.status == http.StatusUnauthorized {
						t.Errorf("%s %s as %s: %s", method, path, role, r.raw)
					}
					continue
				}
				refused++
				r.wantFaults(http.StatusForbidden, "10010")
				if !strings.Contains(string(r.raw), string(role)) || !strings.Contains(string(r.raw), need) {
					t.Errorf("%s %s as %s: %s", method, path, role, r.raw)
				}
			}
		}
		if (refused == 0) != (role == video.RoleOwner) {
			t.Errorf("%s was refused %d operations", role, refused)
		}
	}
	if len(has) != len(rightsAs) {
		t.Errorf("the server knows %d roles", len(rightsAs))
	}
}

// Who may not see or hear what was recorded gets no links to it.
func TestSupportGetsNoMedia(t *testing.T) {
	s := newScene(t)
	s.config.MediaURL = func(video.AccountID, video.MediaKind, string) string { return "https://media.example/1" }
	s.rebuild()
	path := "/room_recordings/" + s.id("room_recording_id")
	for role, sees := range map[video.Role]bool{
		video.RoleOwner: true, video.RoleDeveloper: true, video.RoleSupport: false, video.RoleViewer: true,
	} {
		if got := s.call("GET", path, nil, s.as(role)...).data()["download_url"]; (got != nil) != sees {
			t.Errorf("%s gets the link %v", role, got)
		}
	}
}

func TestPortalSessionIsSafeFromOtherSites(t *testing.T) {
	s := newScene(t)
	headers := s.as(video.RoleOwner)
	call := func(method string, more ...string) reply {
		return s.call(method, "/rooms", nil, slices.Concat(headers, more)...)
	}
	call("GET").want(http.StatusOK)
	call("POST").want(http.StatusCreated)
	for _, faked := range [][]string{
		{csrfHeader, ""},
		{csrfHeader, "x"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://elsewhere.example"},
		{"Origin", "null"},
	} {
		call("POST", faked...).wantFaults(http.StatusForbidden, "10010")
		if faked[0] != csrfHeader {
			call("GET", faked...).wantFaults(http.StatusForbidden, "10010")
		}
	}
	call("POST", "Origin", "http://example.com", "Sec-Fetch-Site", "same-origin").want(http.StatusCreated)
	s.call("POST", "/portal_session", map[string]any{"email": "a@b", "password": "x"}, "Sec-Fetch-Site", "cross-site").
		wantFaults(http.StatusForbidden, "10010")
}

func TestSigningInAndOut(t *testing.T) {
	s := newScene(t)
	secret, err := s.members().SetupLink(t.Context(), s.account)
	s.must(err)
	owner := map[string]any{"link_secret": secret, "password": "correct horse battery", "email": "Ada@example.com", "name": "Ada"}
	use := func(content map[string]any) reply {
		return s.call("POST", "/portal_session/actions/use_link", content, "Authorization", "")
	}
	use(map[string]any{"link_secret": secret, "password": "correct horse battery"}).wantFaults(http.StatusUnprocessableEntity, "10015 /email")
	r := use(owner).want(http.StatusCreated)
	if rights := r.data()["rights"].([]any); len(rights) != len(allRights) {
		t.Errorf("the owner has %v", rights)
	}
	use(owner).wantFaults(http.StatusForbidden, "10010 /link_secret")
	if again, err := s.members().SetupLink(t.Context(), s.account); again != "" || err != nil {
		t.Errorf("a second setup link: %q, %v", again, err)
	}

	r = s.call("POST", "/portal_session", map[string]any{"email": "ADA@EXAMPLE.COM", "password": "correct horse battery"}, "Authorization", "")
	cookie := r.want(http.StatusCreated).header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "Secure", "Path=/v2"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %s is not %s", cookie, part)
		}
	}
	name, _, _ := strings.Cut(cookie, ";")
	headers := []string{"Authorization", "", "Cookie", name, csrfHeader, r.data()["csrf_token"].(string)}
	s.call("GET", "/portal_session", nil, headers...).want(http.StatusOK)
	s.call("DELETE", "/portal_session", nil, headers[:4]...).wantFaults(http.StatusForbidden, "10010")
	s.call("DELETE", "/portal_session", nil, headers...).want(http.StatusNoContent)
	s.call("GET", "/portal_session", nil, headers...).wantFaults(http.StatusUnauthorized, "10009")
	s.call("GET", "/rooms", nil, headers...).wantFaults(http.StatusUnauthorized, "10009")
}

// The audit log says which member did it.
func TestMembersAreInTheAuditLog(t *testing.T) {
	s := newScene(t)
	s.call("POST", "/rooms", nil, s.as(video.RoleDeveloper)...).want(http.StatusCreated)
	entry := s.call("GET", "/audit_events?filter[action]=room.create", nil).body["data"].([]any)[0].(map[string]any)
	if actor := entry["actor"].(map[string]any); actor["member_name"] != "developer" || actor["api_key_id"] != nil {
		t.Errorf("it was %v", actor)
	}
}

// Removing somebody, or giving them another role, counts from the next request on.
func TestMembersChangeAtOnce(t *testing.T) {
	s := newScene(t)
	headers := s.as(video.RoleDeveloper)
	id := s.call("GET", "/portal_session", nil, headers...).data()["member"].(map[string]any)["id"].(string)
	s.call("PATCH", "/members/"+id, map[string]any{"role": "viewer"}).want(http.StatusOK)
	s.call("POST", "/rooms", nil, headers...).wantFaults(http.StatusForbidden, "10010")
	s.call("DELETE", "/members/"+id, nil).want(http.StatusNoContent)
	s.call("GET", "/rooms", nil, headers...).wantFaults(http.StatusUnauthorized, "10009")
}

func TestTheOnlyOwnerStays(t *testing.T) {
	s := newScene(t)
	headers := s.as(video.RoleOwner)
	id := s.call("GET", "/portal_session", nil, headers...).data()["member"].(map[string]any)["id"].(string)
	s.call("PATCH", "/members/"+id, map[string]any{"role": "viewer"}, headers...).wantFaults(http.StatusUnprocessableEntity, "10027")
	s.call("DELETE", "/members/"+id, nil, headers...).wantFaults(http.StatusUnprocessableEntity, "10027")
	s.as(video.RoleOwner)
	s.call("PATCH", "/members/"+id, map[string]any{"role": "viewer"}, headers...).want(http.StatusOK)
}

func TestAKeyMadeOverRESTWorksUntilRevoked(t *testing.T) {
	s := newScene(t)
	made := s.call("POST", "/api_keys", map[string]any{"name": "reader", "rights": "read-only"}).want(http.StatusCreated).data()
	header := []string{"Authorization", "Bearer " + made["api_key"].(string)}
	s.call("GET", "/rooms", nil, header...).want(http.StatusOK)
	s.call("POST", "/rooms", nil, header...).wantFaults(http.StatusForbidden, "10010")
	s.call("DELETE", "/api_keys/"+made["id"].(string), nil).want(http.StatusNoContent)
	s.call("GET", "/rooms", nil, header...).wantFaults(http.StatusUnauthorized, "10009")
	s.call("POST", "/api_keys", map[string]any{"name": "late", "expires_at": time.Now().Add(-time.Hour)}).
		wantFaults(http.StatusUnprocessableEntity, "10033 /expires_at")
}

func TestOverviewCounts(t *testing.T) {
	s := newScene(t)
	session := s.openSession(s.room(nil))
	gone := s.join(session, "a")
	s.join(session, "b")
	s.leave(session, gone)
	got := s.call("GET", "/overview", nil).want(http.StatusOK).data()
	if got["rooms"] != 1.0 || got["active_sessions"] != 1.0 || got["active_participants"] != 1.0 {
		t.Errorf("%v", got)
	}
	spans := s.call("GET", "/activity?span=1h", nil).want(http.StatusOK).data()["spans"].([]any)
	joins := 0.0
	for _, span := range spans {
		joins += span.(map[string]any)["joins"].(float64)
	}
	if len(spans) != 60 || joins != 2 {
		t.Errorf("%d spans with %v joins", len(spans), joins)
	}
}
