package rest

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var randomRequests = flag.Int("random-requests", 600, "how many requests TestRandomRequests makes up")

// TestRandomRequests makes up requests from the document, right ones and wrong ones, and demands that the server is never at
// fault, that every answer is as documented, and that bodies and queries are refused exactly when the document refuses them.
func TestRandomRequests(t *testing.T) {
	h := newHouse(t)
	h.config.CORSOrigins = []string{"https://admin.example.com"}
	h.rebuild()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), house: h}
	statuses := map[int]int{}
	lacking := func(status int) bool { return statuses[status] == 0 }
	wanted := []int{200, 201, 202, 204, 400, 401, 403, 404, 415, 422}
	// The rarest of them comes once in some 200 requests.
	for n := 0; n < *randomRequests || slices.ContainsFunc(wanted, lacking) && n < 10**randomRequests; n++ {
		made := g.request()
		r := h.call(made.method, made.target, made.body, made.header...)
		statuses[r.status]++
		if r.status >= 500 {
			t.Fatalf("%+v is our fault: %s, log %s", made, r.raw, h.log)
		}
		g.checkBodyVerdict(made, r)
		g.checkQueryVerdict(made, r)
		if t.Failed() {
			t.Fatalf("by %+v", made)
		}
	}
	t.Logf("answers by status: %v", statuses)
	for _, status := range wanted {
		if lacking(status) {
			t.Errorf("no answer was %d: the requests are not random enough: %v", status, statuses)
		}
	}
	if h.log.Len() > 0 {
		t.Errorf("logged %s", h.log)
	}
}

// FuzzRequests throws bytes at the entrance.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "/rooms", "", "application/json", []byte(`{"unique_name":"x","max_participants":1e1}`))
	f.Add("PATCH", "/rooms/"+absentID, "", "application/json; charset=utf-8", []byte(`{"webhook_event_url":"http://[::1]"}`))
	f.Add("GET", "/rooms", "filter[date_created_at][eq]=2021-01-01&page[size]=3", "", []byte(nil))
	f.Add("GET", "/room_participants", "filter%5Bcontext%5D=%00&include_sessions=true", "", []byte(nil))
	f.Add("POST", "/rooms/"+absentID+"/actions/refresh_client_token", "", "", []byte(`{"refresh_token":"a.b.c"}`))
	f.Add("OPTIONS", "/rooms/%2e%2e/x", ";", "text/html", []byte("\xff"))
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, method, path, query, contentType string, content []byte) {
		target := &url.URL{Path: "/v2" + path, RawQuery: query}
		r, err := http.NewRequestWithContext(t.Context(), method, target.String(), strings.NewReader(string(content)))
		if err != nil {
			t.Skip("no HTTP")
		}
		r.RequestURI = r.URL.RequestURI()
		r.Header.Set("Authorization", "Bearer "+apiKey)
		r.Header.Set("Content-Type", contentType)
		recorder := httptest.NewRecorder()
		h.handler.ServeHTTP(recorder, r)
		if recorder.Code >= 500 {
			t.Fatalf("%d %s, log %s", recorder.Code, recorder.Body, h.log)
		}
		checkAnswer(t, r, recorder.Result(), recorder.Body.Bytes())
	})
}

type madeUp struct {
	method, target string
	body           any
	header         []string

	operation *openapi3.Operation // nil if the method is another
	values    url.Values          // of the query
	schema    *openapi3.Schema    // of the body
	plain     bool                // nothing but the body can be wrong
}

type generator struct {
	*rand.Rand
	*house
	room, session, participant, refresh string
	recording, composition, delivery    string
	apiKey, member                      string
	reader                              string // a key that is read-only
}

func (g *generator) one(in int) bool { return g.IntN(in) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// furnish sees to it that there is one of everything.
func (g *generator) furnish() {
	if g.room != "" {
		return
	}
	g.room = g.house.room(nil)
	g.session = g.openSession(g.room)
	g.participant = g.join(g.session, "context")
	tokens := g.call("POST", "/rooms/"+g.room+"/actions/generate_join_client_token", nil)
	g.refresh = tokens.want(http.StatusCreated).data()["refresh_token"].(string)
	g.delivery = g.sendTest().ID
	g.reader = g.key(video.RightsReadOnly)
	keys, err := g.store.APIKeys(g.Context(), g.account)
	g.must(err)
	member, err := g.store.AddMember(g.Context(), video.Member{
		AccountID: g.account, Email: video.NewUUID() + "@example.com", Name: "somebody", Role: video.RoleViewer,
	})
	g.must(err)
	g.apiKey, g.member = keys[0].ID, member.ID
	g.recording = g.record(g.session, nil)
	g.composition = g.compose(map[string]any{"session_id": g.session}).want(http.StatusAccepted).data()["id"].(string)
}

func (g *generator) request() madeUp {
	g.furnish()
	paths := contract().doc.Paths.InMatchingOrder()
	path := pick(g, paths...)
	item := contract().doc.Paths.Value(path)
	methods := make([]string, 0, len(item.Operations()))
	for method := range item.Operations() {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	made := madeUp{method: pick(g, methods...), plain: true}
	op := item.GetOperation(made.method)
	made.operation = op
	if g.one(30) {
		made.method, made.plain = pick(g, "HEAD", "OPTIONS", "PUT", "BREW"), false
		made.operation = nil
	}
	made.target = g.path(path, &made)
	made.target += g.query(op, &made)
	if op.RequestBody != nil {
		made.schema = op.RequestBody.Value.Content.Get("application/json").Schema.Value
		encoded, err := json.Marshal(g.value(made.schema, 8))
		g.must(err)
		made.body = encoded
		if g.one(15) {
			made.body, made.plain = g.junkText(), false
		}
	}
	if g.one(20) {
		key := pick(g, "", "Bearer x", "Bearer "+foreignKey, "Bearer "+g.reader, "Bearer "+g.reader)
		made.header = append(made.header, "Authorization", key)
		made.plain = false
	}
	if g.one(5) {
		made.header = append(made.header, "Idempotency-Key", pick(g, "a", "b", "c", strings.Repeat("~", 255)))
	}
	if g.one(30) {
		made.header = append(made.header, "Idempotency-Key", pick(g, " ", "é", strings.Repeat("~", 256)))
		made.plain = false
	}
	if g.one(20) {
		made.header = append(made.header, "Origin", pick(g, "https://admin.example.com", "null", "\x01"))
		made.plain = made.plain && op.Security == nil // where no key is taken, other sites may not ask
	}
	if g.one(20) {
		made.header = append(made.header, "Content-Type", pick(g, "text/plain", "application/json; charset=utf-16", "application/x+json", "\x01"))
		made.plain = false
	}
	if made.method == "DELETE" {
		g.room = "" // whatever it was that is deleted, the next request finds one again
	}
	return made
}

var pathParameters = regexp.MustCompile(`\{\w+\}`)

func (g *generator) path(path string, made *madeUp) string {
	if g.one(15) {
		made.plain = false
		id := pick(g, absentID, "x", "%2e%2e", g.session, g.participant, g.room, strings.ToUpper(g.room), url.PathEscape(g.junkText()), "%")
		if _, err := url.ParseRequestURI("/" + id); err != nil || id == "" {
			id = "y"
		}
		return pathParameters.ReplaceAllLiteralString(path, id)
	}
	return strings.NewReplacer("{room_id}", g.room, "{room_session_id}", g.session, "{room_participant_id}", g.participant,
		"{room_recording_id}", g.recording, "{room_composition_id}", g.composition,
		"{webhook_delivery_id}", g.delivery, "{api_key_id}", g.apiKey, "{member_id}", g.member).Replace(path)
}

func (g *generator) query(op *openapi3.Operation, made *madeUp) string {
	values := url.Values{}
	for _, parameter := range op.Parameters {
		if parameter.Value.In != openapi3.ParameterInQuery || !g.one(4) {
			continue
		}
		chosen := g.value(parameter.Value.Schema.Value, 6)
		value, ok := chosen.(string)
		if !ok {
			encoded, err := json.Marshal(chosen)
			g.must(err)
			value = string(encoded)
		}
		values.Add(parameter.Value.Name, value)
		made.plain = false
	}
	if g.one(20) {
		values.Add(pick(g, "filter[x]", "filter", "page", "x", "\xff"), g.junkText())
		made.plain = false
	}
	made.values = values
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// value makes up a value for a schema; one in so many values is wrong, or close to it.
func (g *generator) value(schema *openapi3.Schema, wrong int) any {
	if len(schema.AnyOf) > 0 {
		return g.value(pick(g, schema.AnyOf...).Value, wrong)
	}
	if g.one(wrong) {
		return g.junk()
	}
	if schema.Type.IncludesNull() && g.one(6) {
		return nil
	}
	switch {
	case len(schema.Enum) > 0:
		return pick(g, schema.Enum...)
	case schema.Type.Includes("array"):
		array := make([]any, g.IntN(4))
		for i := range array {
			array[i] = g.value(schema.Items.Value, wrong)
		}
		return array
	case schema.AdditionalProperties.Schema != nil:
		object := map[string]any{}
		for range g.IntN(4) {
			object[pick(g, "a", "b/c", "main", g.junkText())] = g.value(schema.AdditionalProperties.Schema.Value, wrong)
		}
		return object
	case schema.Type.Includes("object"):
		object := map[string]any{}
		for name, property := range schema.Properties {
			if g.one(2) || slices.Contains(schema.Required, name) && !g.one(wrong) {
				object[name] = g.value(property.Value, wrong)
			}
		}
		if g.one(5) {
			object[g.junkText()] = g.junk()
		}
		return object
	case schema.Type.Includes("integer"):
		low, high := int(*schema.Min), int(*schema.Max)
		n := pick(g, low, high, low+g.IntN(high-low+1))
		if g.one(wrong) {
			n = pick(g, low-1, high+1)
		}
		if g.one(4) {
			return float64(n)
		}
		return n
	case schema.Type.Includes("boolean"):
		return g.one(2)
	}
	return g.text(schema, wrong)
}

func (g *generator) text(schema *openapi3.Schema, wrong int) string {
	switch schema.Format {
	case "uri":
		return pick(g, "https://example.com", "http://a.example:8080/x?y=z", "HTTPS://[::1]/é", "https://example.com/"+strings.Repeat("x", g.IntN(2000)))
	case "uuid":
		return pick(g, g.room, g.session, g.session, absentID)
	case "source":
		return pick(g, g.recording, g.recording, "*", strings.ToUpper(g.recording), absentID)
	case "resolution":
		return pick(g, "1280x720", "16x16", "720x1280", "100x1280", "1280x1280", "15x700", "x", "640 x 480", "12800000000x1")
	case "date":
		return pick(g, "2021-04-25", "2024-02-29", "1999-12-31")
	case "date-time":
		return pick(g, "2021-04-25T10:15:00Z", "2021-04-25T10:15:00.1234567+01:00")
	}
	if strings.Contains(schema.Description, "refresh token") && !g.one(wrong) {
		return g.refresh
	}
	if strings.Contains(schema.Description, "whsec_") && !g.one(wrong) {
		return "whsec_" + strings.Repeat("abc/", 8+g.IntN(12)) + pick(g, "", "abc=", "YQ==", "\n\n\n\n", "=")
	}
	length := 1 + g.IntN(20)
	if most := schema.MaxLength; most != nil && g.one(4) {
		length = pick(g, int(*most), int(*most)+g.IntN(2))
	}
	return strings.Repeat(pick(g, "x", "é", "😀", "/", `"`), length)
}

func (g *generator) junk() any {
	return pick[any](g, nil, true, -1, 0, 2.5, 1e300, "", "10", g.junkText(), []any{}, []any{1, nil}, map[string]any{}, map[string]any{"": nil})
}

func (g *generator) junkText() string {
	return pick(g, "", " ", "null", "{", "[]", `{"max_participants":`, "\x00", "\xff\xfe", "é\r\n", "/", "~", "%", "nonsense", strings.Repeat("x", 3000))
}

// checkBodyVerdict compares our verdict on a body with that of the JSON Schema 2020-12 validator, which is not what the
// entrance uses.
func (g *generator) checkBodyVerdict(made madeUp, r reply) {
	if made.schema == nil || !made.plain || r.status == http.StatusTooManyRequests { // who signs in so often is not heard
		return
	}
	encoded := made.body.([]byte)
	var value any
	g.must(json.Unmarshal(encoded, &value))
	valid := made.schema.VisitJSON(value, append(slices.Clone(bodyFormats), openapi3.EnableJSONSchema2020())...) == nil
	refused := r.status == http.StatusUnprocessableEntity
	if refused && valid {
		for _, entry := range r.body["errors"].([]any) {
			if !beyondSchemas(entry.(map[string]any)) {
				g.Errorf("%s is valid and was refused: %s", encoded, r.raw)
			}
		}
	}
	if !refused && !valid {
		g.Errorf("%s is not valid and was answered %d", encoded, r.status)
	}
}

// checkQueryVerdict compares our verdict on each parameter of a query with what the document says of it.
func (g *generator) checkQueryVerdict(made madeUp, r reply) {
	if made.operation == nil {
		return
	}
	told := map[string]bool{}
	if failures, ok := r.body["errors"].([]any); ok {
		for _, entry := range failures {
			entry := entry.(map[string]any)
			source, _ := entry["source"].(map[string]any)
			if name, ok := source["parameter"].(string); ok && entry["code"] != missingParameter.code {
				told[name] = true
			}
		}
	}
	for name := range made.values {
		parameter := made.operation.Parameters.GetByInAndName("query", name)
		wrong := strings.HasPrefix(name, "filter") && len(filters(made.operation)) > 0
		if parameter != nil {
			wrong = !fits(parameter.Schema.Value, made.values.Get(name))
		}
		if wrong && r.status < 300 || parameter != nil && !wrong && told[name] {
			g.Errorf("%s=%q, wrong: %t, was answered %s", name, made.values.Get(name), wrong, r.raw)
		}
	}
}

var dateOrTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$`)

// fits reports whether a schema allows a value in a query. Of dates it knows the form, which is enough for those made up here.
func fits(schema *openapi3.Schema, value string) bool {
	var decoded any = value
	switch {
	case len(schema.AnyOf) > 0:
		return dateOrTime.MatchString(value)
	case schema.Type.Includes("integer"), schema.Type.Includes("boolean"):
		if err := json.Unmarshal([]byte(value), &decoded); err != nil {
			return false
		}
	}
	return utf8.ValidString(value) && schema.VisitJSON(decoded, append(slices.Clone(bodyFormats), openapi3.EnableJSONSchema2020())...) == nil
}

// beyondSchemas reports whether a fault is one that no schema can find: a name that is taken, something that is not there, a
// state that does not fit, a recording of a room that is encrypted, a text that is too long in bytes or no base64, a region that is empty or not within the frame, a file of nothing but sound that is silent.
func beyondSchemas(entry map[string]any) bool {
	source, _ := entry["source"].(map[string]any)
	pointer, _ := source["pointer"].(string)
	switch entry["code"] {
	case duplicateResource.code, associatedAbsent.code, unprocessable.code:
		return true
	case badRequest.code:
		return pointer == "/identity" || pointer == "/secret" || pointer == "/enable_recording"
	case outsideRange.code:
		return pointer == "/audio_sources" || pointer == "/expires_at" || strings.HasPrefix(pointer, "/video_layout/") && !strings.HasSuffix(pointer, "/z_pos")
	}
	return false
}
