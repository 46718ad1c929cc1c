package rest

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The tests of this file are made from the table of operations, so that an operation which is added has them.

// table is every operation, with what the document says of it.
func table() map[*operation]*openapi3.Operation {
	documented := make(map[*operation]*openapi3.Operation)
	for _, op := range (&entrance{}).operations() {
		documented[op] = contract().doc.Paths.Value(op.path).GetOperation(op.method)
		op.idName = pathParameter(op.path)
	}
	return documented
}

func (op *operation) String() string { return op.method + " " + op.path }

// bulk reports whether an operation takes all that its filters choose.
func bulk(documented *openapi3.Operation) bool {
	return documented.Parameters.GetByInAndName("query", "filter[all]") != nil
}

// target is where the operation is asked in the scene.
func (s *scene) target(op *operation, documented *openapi3.Operation) string {
	s.Helper()
	target := op.path
	if op.idName != "" {
		target = strings.ReplaceAll(target, "{"+op.idName+"}", s.id(op.idName))
	}
	if bulk(documented) {
		target += "?filter[all]=true"
	}
	return target
}

// furnish makes one of everything that has an id.
func (s *scene) furnish() {
	s.Helper()
	s.must(s.authority.EnsureEventKey(s.Context(), s.account))
	for name := range contract().doc.Components.Parameters {
		if p := contract().doc.Components.Parameters[name].Value; p.In == "path" {
			s.id(p.Name)
		}
	}
}

// forget has everything with an id made anew, after something was deleted.
func (s *scene) forget() { s.ids, s.tokens = map[string]string{}, nil }

func TestIDsOfOtherAccountsAreNotFound(t *testing.T) {
	s := newScene(t)
	s.furnish()
	asked := []string{}
	s.live.moderate = func(action string, _ video.RoomID, _ video.SessionID, _ video.Selection) ([]video.ParticipantID, error) {
		asked = append(asked, action)
		return nil, nil
	}
	before, tried := s.everything(), 0
	for op, documented := range table() {
		if op.public {
			continue // the key means nothing there
		}
		call := func(target string) reply {
			return s.call(op.method, target, s.real(bodies(documented)[0]), "Authorization", "Bearer "+foreignKey)
		}
		if op.idName != "" {
			call(s.target(op, documented)).wantFaults(http.StatusNotFound, "10005")
			tried++
		}
		for _, parameter := range documented.Parameters {
			name := parameter.Value.Name
			if op.idName != "" || !strings.HasSuffix(name, "_id]") {
				continue
			}
			id := s.real(parameter.Value.Example).(string)
			r := call(op.path + parameters(name, id))
			if op.method == http.MethodGet {
				r.want(http.StatusOK).wantMeta(0, 0, 1, 20)
			} else if n := r.want(http.StatusCreated).data()["room_recordings"]; n != 0.0 {
				t.Errorf("%s: %s chose %v", op, name, n)
			}
			tried++
		}
		after := s.everything()
		if lines := changed(before, after); len(lines) > 0 {
			t.Errorf("%s changed %q", op, lines)
		}
		before = after
	}
	// Ids that stand in bodies name nothing either.
	for path, body := range map[string]map[string]any{
		"/room_compositions":                        {"session_id": s.id("room_session_id")},
		"/webhook_settings/actions/send_test_event": {"room_id": s.id("room_id"), "webhook_event_url": "https://example.com"},
	} {
		for name := range body {
			if strings.HasSuffix(name, "_id") {
				s.call("POST", path, body, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusUnprocessableEntity, "10017 /"+name)
			}
		}
	}
	if lines := changed(before, s.everything()); len(lines) > 0 || len(asked) > 0 || len(s.live.ended) > 0 {
		t.Errorf("strangers ended %v, asked to %v, and changed %q", s.live.ended, asked, lines)
	}
	if tried < 20 {
		t.Errorf("only %d ids were tried", tried)
	}
}

func TestUnknownIDsAreNotFound(t *testing.T) {
	s := newScene(t)
	for op, documented := range table() {
		if op.idName == "" {
			continue
		}
		for id, fault := range map[string]string{absentID: "10005", "nonsense": "10006"} {
			target := strings.ReplaceAll(op.path, "{"+op.idName+"}", id)
			r := s.call(op.method, target, s.real(bodies(documented)[0]))
			if op.public && id == absentID {
				r.wantFaults(http.StatusForbidden, "10010") // the room of the refresh token is another
				continue
			}
			r.wantFaults(http.StatusNotFound, fault)
		}
	}
}

// Every change leaves one entry in the audit log, and nothing else leaves any: no reading, no refusal.
func TestEveryChangeIsAuditedOnce(t *testing.T) {
	s := newScene(t)
	reader := "Bearer " + s.key(video.RightsReadOnly)
	for op, documented := range table() {
		t.Run(documented.OperationID, func(t *testing.T) {
			s.TB = t
			s.furnish()
			s.cookie = nil // but for operations that take it
			s.prepare(documented.OperationID)
			target, body, before := s.target(op, documented), s.real(bodies(documented)[0]), s.entries()
			if op.method == http.MethodDelete {
				defer s.forget()
			}
			refused := func(r reply) {
				t.Helper()
				if r.status < 400 {
					t.Errorf("%s answers %d %s", op, r.status, r.raw)
				}
				if after := s.entries(); !slices.Equal(after, before) {
					t.Fatalf("a refusal (%d) of %s left %q", r.status, op, after[len(before):])
				}
			}
			if !op.public {
				refused(s.call(op.method, target, body, "Authorization", ""))
				refused(s.call(op.method, target, body, "Authorization", "Bearer wrong"))
			}
			if op.right.changes() {
				refused(s.call(op.method, target, body, "Authorization", reader))
			}
			if op.idName != "" {
				refused(s.call(op.method, strings.ReplaceAll(op.path, "{"+op.idName+"}", absentID), body))
			}
			if documented.RequestBody != nil {
				refused(s.call(op.method, target, "{"))
				refused(s.call(op.method, target, "[]"))
			}
			if bulk(documented) {
				refused(s.call(op.method, op.path, body))
				refused(s.call(op.method, op.path+"?filter[status]=x", body))
			}
			r := s.call(op.method, target, body, "x-request-id", "the-change")
			if r.status/100 != 2 {
				t.Fatalf("%s answers %d %s", op, r.status, r.raw)
			}
			after := s.entries()
			if op.action == "" {
				if !slices.Equal(after, before) {
					t.Errorf("%s changes nothing and left %q", op, after[len(before):])
				}
				return
			}
			if len(after) != len(before)+1 {
				t.Fatalf("%s left %q", op, after[len(before):])
			}
			entry := s.call("GET", "/audit_events?page[size]=1", nil).body["data"].([]any)[0].(map[string]any)
			if op.action != audited && entry["action"] != op.action {
				t.Errorf("%s is in the log as %v", op, entry["action"])
			}
			actor := entry["actor"].(map[string]any)
			if actor["request_id"] != "the-change" || !op.public && actor["api_key_id"] != "configured" {
				t.Errorf("%s is said to be done by %v", op, actor)
			}
			if op.idName != "" && entry["object_id"] != s.id(op.idName) {
				t.Errorf("%s is said to change %v", op, entry["object_id"])
			}
		})
	}
}

// Without a good key nothing is told, be the request otherwise right or wrong.
func TestEveryOperationWantsAKey(t *testing.T) {
	s := newScene(t)
	s.furnish()
	long := time.Now().Add(-time.Hour)
	expired, revoked := s.addKey(video.APIKey{ExpiresAt: &long}), s.key(video.RightsAdmin)
	keys, err := s.store.APIKeys(t.Context(), s.account)
	s.must(err)
	for _, key := range keys {
		if key.ExpiresAt == nil {
			_, err := s.store.RevokeAPIKey(t.Context(), s.account, key.ID)
			s.must(err)
		}
	}
	before, tried := s.everything(), 0
	for op, documented := range table() {
		right, wrong := s.target(op, documented), strings.NewReplacer("{", "", "}", "").Replace(op.path)+"?filter[x]=1"
		for _, header := range []string{
			"", "Bearer", "Bearer ", "Bearer wrong", apiKey, "Basic " + apiKey, "Bearer " + apiKey + "x", "Bearer " + strings.Repeat("x", 5000),
			"Bearer \x80\xff", "Bearer " + apiKey + " " + apiKey, "Bearer " + expired, "Bearer " + revoked,
		} {
			if op.public {
				continue
			}
			for _, r := range []reply{
				s.call(op.method, right, s.real(bodies(documented)[0]), "Authorization", header),
				s.call(op.method, wrong, "{", "Authorization", header),
			} {
				r.wantFaults(http.StatusUnauthorized, "10009")
				if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("WWW-Authenticate is %q", r.header.Get("WWW-Authenticate"))
				}
				tried++
			}
		}
	}
	if lines := changed(before, s.everything()); len(lines) > 0 || tried < 500 {
		t.Errorf("%d requests changed %q", tried, lines)
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		s.call("GET", "/rooms", nil, "Authorization", scheme+"  "+apiKey).want(http.StatusOK)
	}
	if log := s.log.String(); log != "" {
		t.Errorf("logged %s", log)
	}
}

// A POST that is repeated under its idempotency key is not carried out again, and another request under the key not at all.
func TestEveryPostCanBeRepeated(t *testing.T) {
	s := newScene(t)
	s.furnish()
	for op, documented := range table() {
		if op.method != http.MethodPost || op.public {
			continue
		}
		t.Run(documented.OperationID, func(t *testing.T) {
			s.TB = t
			key := documented.OperationID
			s.prepare(documented.OperationID)
			target, body := s.target(op, documented), s.real(bodies(documented)[0])
			first := s.call(op.method, target, body, once, key).wantReplayed(false)
			before := s.everything()
			again := s.call(op.method, target, body, once, key).want(first.status).wantReplayed(true)
			if !bytes.Equal(again.raw, first.raw) || first.status/100 != 2 {
				t.Errorf("%s: %s, at first %d %s", op, again.raw, first.status, first.raw)
			}
			another := target + "?another=request"
			if strings.Contains(target, "?") {
				another = target + "&another=request"
			}
			s.call(op.method, another, body, once, key).wantFaults(http.StatusUnprocessableEntity, "10027")
			if lines := changed(before, s.everything()); len(lines) > 0 {
				t.Errorf("%s under a used key changed %q", op, lines)
			}
			s.call(op.method, target, body, once, key, "Authorization", "Bearer "+foreignKey).wantReplayed(false) // which is another's key
		})
	}
}

// What an operation takes from the allowance of its key is what it costs: reading one thing little, what works on many much.
func TestEveryOperationCosts(t *testing.T) {
	s := newScene(t)
	s.furnish()
	s.config.RateLimit = 1000
	s.rebuild()
	for op, documented := range table() {
		paged := documented.Parameters.GetByInAndName("query", "page[size]") != nil
		cost := 2
		switch {
		case bulk(documented), documented.OperationID == "createComposition":
			cost = 10
		case op.method == http.MethodGet && !paged:
			cost = 1
		}
		r := s.call(op.method, strings.ReplaceAll(op.path, "{"+op.idName+"}", absentID), "{", "Authorization", "Bearer "+s.key(video.RightsReadOnly))
		got := []string{r.header.Get("x-ratelimit-limit"), r.header.Get("x-ratelimit-remaining"), r.header.Get("x-ratelimit-reset")}
		want := []string{"1000", strconv.Itoa(1000 - cost), "1"}
		if op.public {
			want = []string{"", "", ""}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s says %q of its key's allowance, want %q", op, got, want)
		}
	}
}
