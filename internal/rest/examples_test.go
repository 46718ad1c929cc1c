package rest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// scene is a house with one object of every kind, so that the examples of the document can be carried out in it.
type scene struct {
	*house
	ids    map[string]string // by path parameter
	tokens map[string]any    // of the room
	owner  video.Member      // who is signed in
	secret string            // of a link to choose a password
	back   map[string]any    // what a browser comes back with from the sign-in provider
}

// make makes the object that a path parameter names, over REST where REST can.
func (s *scene) make(parameter string) string {
	s.Helper()
	switch parameter {
	case "room_id":
		return s.room(nil)
	case "room_session_id":
		return s.openSession(s.id("room_id"))
	case "room_participant_id":
		return s.join(s.id("room_session_id"), `{"id":17,"username":"Alice"}`)
	case "room_recording_id":
		return s.record(s.id("room_session_id"), nil)
	case "room_composition_id":
		s.id("room_recording_id")
		return s.perform("createComposition").data()["id"].(string)
	case "api_key_id":
		return s.perform("createApiKey").data()["id"].(string)
	case "member_id":
		return s.call("POST", "/members", map[string]any{"email": video.NewUUID() + "@example.com", "name": "Grace", "role": "viewer"}).
			want(201).data()["id"].(string)
	case "webhook_delivery_id":
		return s.perform("sendTestEvent").data()["id"].(string)
	}
	s.Fatalf("teach the scene how to make what {%s} names", parameter)
	return ""
}

// prepare does what must have happened before an operation can succeed.
func (s *scene) prepare(operation string) {
	s.Helper()
	switch operation {
	case "activatePublicKey":
		s.perform("preparePublicKey")
	case "createComposition":
		s.id("room_recording_id")
	case "usePortalLink":
		s.own()
		link, _, err := s.config.Members.PasswordLink(s.Context(), s.account, s.owner.ID)
		s.must(err)
		s.secret = link
	case "beginOidcSignIn":
		s.provide()
	case "finishOidcSignIn":
		provider := s.provide()
		s.back, s.cookie = s.comeBack(provider)
		s.call("POST", "/portal_session/actions/finish_oidc", s.back).want(http.StatusCreated) // they are a member from now on
		s.back, s.cookie = s.comeBack(provider)
	case "retrievePortalSession", "signIn", "signOut", "changePassword":
		s.own()
	}
}

// own makes the member of the examples, an owner, and signs them in.
func (s *scene) own() {
	s.Helper()
	ctx := video.WithActor(s.Context(), video.Actor{Address: "192.0.2.1"})
	members, err := s.store.Members(ctx, s.account)
	s.must(err)
	for _, member := range members {
		if member.Role == video.RoleOwner {
			s.owner = member
		}
	}
	if s.owner.ID == "" {
		s.owner, err = s.store.AddMember(video.WithoutActor(ctx), video.Member{
			AccountID: s.account, Email: "ada@example.com", Name: "Ada", Role: video.RoleOwner,
		})
		s.must(err)
	}
	link, _, err := s.config.Members.PasswordLink(video.WithoutActor(ctx), s.account, s.owner.ID)
	s.must(err)
	found, err := s.config.Members.UseLink(video.WithoutActor(ctx), link, "correct horse battery", video.Member{})
	s.must(err)
	s.cookie, s.csrf = &http.Cookie{Name: sessionCookie, Value: found.Secret}, found.CSRF
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return &scene{house: newHouse(t), ids: map[string]string{}}
}

// id is that of the object of this kind, which is made if need be.
func (s *scene) id(parameter string) string {
	s.Helper()
	if s.ids[parameter] == "" {
		s.ids[parameter] = s.make(parameter)
	}
	return s.ids[parameter]
}

// perform carries out an operation with the example of its body.
func (s *scene) perform(operation string) reply {
	s.Helper()
	for path, item := range contract().doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == operation {
				return s.carryOut(method, path, op, bodies(op)[0], "")
			}
		}
	}
	s.Fatalf("the document has no %s", operation)
	return reply{}
}

// carryOut sends an example and demands a success. Which successes there are, and what they hold, call holds against the document.
func (s *scene) carryOut(method, path string, op *openapi3.Operation, body any, query string) reply {
	s.Helper()
	s.prepare(op.OperationID)
	if name := pathParameter(path); name != "" {
		path = strings.ReplaceAll(path, "{"+name+"}", s.id(name))
	}
	r := s.call(method, path+query, s.real(body))
	if r.status/100 != 2 {
		s.Fatalf("%s %s%s with %v answers %d %s", method, path, query, body, r.status, r.raw)
	}
	return r
}

// real puts what exists in the place of what the examples name.
func (s *scene) real(value any) any {
	s.Helper()
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, part := range value {
			copied[name] = s.real(part)
			if name == "link_secret" {
				copied[name] = s.secret
			}
			if came, known := s.back[name]; known {
				copied[name] = came
			}
			if name == "refresh_token" {
				copied[name] = s.refreshToken()
			}
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, part := range value {
			copied[i] = s.real(part)
		}
		return copied
	case string:
		for _, parameter := range contract().doc.Components.Parameters {
			if p := parameter.Value; p.In == "path" && p.Example == any(value) {
				return s.id(p.Name)
			}
		}
	}
	return value
}

func (s *scene) refreshToken() string {
	s.Helper()
	if s.tokens == nil {
		s.tokens = s.call("POST", "/rooms/"+s.id("room_id")+"/actions/generate_join_client_token", nil).want(201).data()
	}
	return s.tokens["refresh_token"].(string)
}

// bodies are the examples of an operation's body; a nil one if it takes none.
func bodies(op *openapi3.Operation) []any {
	if op.RequestBody == nil {
		return []any{nil}
	}
	return examplesOf(op.RequestBody.Value.Content.Get("application/json"))
}

func examplesOf(media *openapi3.MediaType) (all []any) {
	if media == nil {
		return nil
	}
	if media.Example != nil {
		all = append(all, plain(media.Example))
	}
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		all = append(all, plain(media.Examples[name].Value.Value))
	}
	return all
}

// plain turns what the YAML reader made into what a JSON reader would have made.
func plain(value any) any {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var decoded any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		panic(err)
	}
	return decoded
}

// Every example of a request works as it stands, but for the ids in it: with its body, and with each of its query parameters.
func TestExamplesOfRequestsWork(t *testing.T) {
	for _, path := range slices.Sorted(maps.Keys(contract().doc.Paths.Map())) {
		item := contract().doc.Paths.Value(path)
		for method, op := range item.Operations() {
			t.Run(op.OperationID, func(t *testing.T) {
				all := bodies(op)
				if len(all) == 0 {
					t.Fatal("its body has no example")
				}
				runs := 0
				for _, body := range all {
					if op.Parameters.GetByInAndName("query", "filter[all]") != nil {
						continue // it wants to be told by the query which
					}
					newScene(t).carryOut(method, path, op, body, "")
					runs++
				}
				var s *scene
				for _, parameter := range slices.Concat(item.Parameters, op.Parameters) {
					p := parameter.Value
					if p.In != "query" || p.Example == nil {
						continue
					}
					if s == nil || method != "GET" { // what it changed must be there again
						s = newScene(t)
					}
					value, ok := s.real(plain(p.Example)).(string)
					if !ok {
						encoded, err := json.Marshal(p.Example)
						s.must(err)
						value = string(encoded)
					}
					s.carryOut(method, path, op, all[0], "?"+url.Values{p.Name: {value}}.Encode())
					runs++
				}
				if runs == 0 {
					t.Error("it has no example that could be run")
				}
			})
		}
	}
}

// Every success in JSON shows an example, and every example is what its schema says.
func TestExamplesOfAnswersMatchTheirSchemas(t *testing.T) {
	check := func(where string, schema *openapi3.SchemaRef, value any) {
		if err := schema.Value.VisitJSON(value, append(slices.Clone(bodyFormats), openapi3.EnableJSONSchema2020())...); err != nil {
			t.Errorf("%s: the example %v: %v", where, value, err)
		}
	}
	for path, item := range contract().doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				where := method + " " + path + " " + status
				media := response.Value.Content.Get("application/json")
				examples := examplesOf(media)
				if media != nil && len(examples) == 0 && status[0] == '2' && !strings.HasPrefix(path, "/openapi") {
					t.Errorf("%s has no example", where)
				}
				for _, example := range examples {
					check(where, media.Schema, example)
				}
			}
			for _, parameter := range slices.Concat(item.Parameters, op.Parameters) {
				if p := parameter.Value; p.Example != nil {
					check(method+" "+path+" "+p.Name, p.Schema, plain(p.Example))
				}
			}
		}
	}
}
