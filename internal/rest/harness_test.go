package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/api"
	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/quality"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	apiKey     = "KEY0123456789abcdef_of_the_default_account"
	foreignKey = "KEY0123456789abcdef_of_another_account"
	absentID   = "00000000-0000-4000-8000-000000000000"
)

// house is the entrance over a real store and real tokens.
type house struct {
	testing.TB
	store     *store.Store
	path      string // of the store's file
	account   video.AccountID
	config    Config
	handler   http.Handler
	authority *auth.Authority
	live      *recordedLive
	quality   *quality.Keeper
	log       *bytes.Buffer

	mu  sync.Mutex
	now time.Time // what the store takes for the present; the real present while zero
}

// emptyDatabase is a database file with all tables and nothing in them: making it takes longer than most tests do.
var emptyDatabase = sync.OnceValue(func() []byte {
	content, err := migratedFile()
	if err != nil {
		panic(err)
	}
	return content
})

func migratedFile() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rotunda-rest-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "empty.db")
	opened, err := store.Open(context.Background(), store.Config{Path: path})
	if err != nil {
		return nil, err
	}
	if err := opened.Close(); err != nil { // which moves everything into this one file
		return nil, err
	}
	return os.ReadFile(path)
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, log: new(bytes.Buffer), path: filepath.Join(t.TempDir(), "rest.db")}
	h.must(os.WriteFile(h.path, emptyDatabase(), 0o600))
	opened, err := store.Open(t.Context(), store.Config{Path: h.path, Now: h.clock})
	h.must(err)
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	h.store = opened
	account, _, err := opened.DefaultAccount(t.Context())
	h.must(err)
	h.account = account.ID
	foreign, err := opened.CreateAccount(t.Context(), "another")
	h.must(err)
	authority := newAuthority(t, opened, account.ID, h.clock)
	h.authority = authority
	h.quality = quality.New(quality.Config{Store: opened, Engine: idle{}, Now: h.clock})
	h.live = &recordedLive{store: opened, account: account.ID}
	h.config = Config{
		Rooms: opened, Sessions: opened, Recordings: opened, Compositions: opened, Quality: h.quality, Tokens: authority,
		Keys:   keyRing{authority, foreign.ID},
		Live:   h.live,
		Audits: opened, Idempotency: opened, Vault: authority,
		Webhooks: opened, EventKeys: authority, Deliveries: opened,
		PublicURL: "https://video.example.com/",
		Log:       slog.New(slog.NewTextHandler(h.log, nil)),
	}
	h.rebuild()
	return h
}

// rebuild makes the handler anew, after a change of config.
func (h *house) rebuild() {
	h.Helper()
	handler, err := New(h.config)
	h.must(err)
	h.handler = handler
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now.IsZero() {
		return time.Now()
	}
	return h.now
}

// at makes the store believe it is then.
func (h *house) at(then string) {
	h.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, then)
	h.must(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = parsed
}

// query runs SQL beside the store and returns the rows as text.
func (h *house) query(statement string, args ...any) (rows []string) {
	h.Helper()
	db, err := sql.Open("sqlite", h.path)
	h.must(err)
	defer func() { h.must(db.Close()) }()
	result, err := db.QueryContext(h.Context(), statement, args...)
	h.must(err)
	defer func() { h.must(result.Close()) }()
	columns, err := result.Columns()
	h.must(err)
	for result.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		h.must(result.Scan(values...))
		row := make([]string, len(values))
		for i, value := range values {
			row[i] = fmt.Sprintf("%v", *value.(*any))
		}
		rows = append(rows, strings.Join(row, " "))
	}
	h.must(result.Err())
	return rows
}

// everything is all that the database holds, a line for each row. The heartbeat beats by itself.
func (h *house) everything() (lines []string) {
	h.Helper()
	for _, table := range h.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'heartbeat' ORDER BY name") {
		for _, row := range h.query("SELECT * FROM " + table + " ORDER BY 1, 2") {
			lines = append(lines, table+": "+row)
		}
	}
	return lines
}

// changed are the lines of either that the other has not.
func changed(before, after []string) (lines []string) {
	for _, both := range [][2][]string{{before, after}, {after, before}} {
		for _, line := range both[0] {
			if !slices.Contains(both[1], line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// keyRing adds the key of an account without anything to those of the authority.
type keyRing struct {
	Keys
	foreign video.AccountID
}

func (k keyRing) Authenticate(ctx context.Context, bearer string) (video.APIKey, error) {
	if bearer == foreignKey {
		return video.APIKey{ID: "foreign", AccountID: k.foreign, Rights: video.RightsAdmin}, nil
	}
	return k.Keys.Authenticate(ctx, bearer)
}

// key makes an API key of the account with these rights.
func (h *house) key(rights video.Rights) string {
	h.Helper()
	return h.addKey(video.APIKey{Name: "a " + string(rights) + " key", Rights: rights})
}

// addKey makes an API key of the account with these properties.
func (h *house) addKey(properties video.APIKey) string {
	h.Helper()
	key, hash := auth.NewAPIKey(rand.Reader)
	properties.AccountID, properties.Hash = h.account, hash
	h.must(h.store.AddAPIKey(h.Context(), properties))
	return key
}

// recordedLive remembers whom it was told to put out, and whether their rooms could still be entered then. Moderation it
// answers by its field.
type recordedLive struct {
	store    *store.Store
	account  video.AccountID
	mu       sync.Mutex
	ended    []video.RoomID
	open     []video.RoomID
	moderate func(action string, room video.RoomID, session video.SessionID, s video.Selection) ([]video.ParticipantID, error)
}

func (l *recordedLive) act(action string, room video.RoomID, session video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	if l.moderate == nil {
		return nil, nil
	}
	return l.moderate(action, room, session, s)
}

func (l *recordedLive) EndSession(_ context.Context, r video.RoomID, id video.SessionID) ([]video.ParticipantID, error) {
	return l.act("end", r, id, video.Selection{})
}

func (l *recordedLive) Kick(_ context.Context, r video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	return l.act("kick", r, id, s)
}

func (l *recordedLive) Mute(_ context.Context, r video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	return l.act("mute", r, id, s)
}

func (l *recordedLive) Unmute(_ context.Context, r video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	return l.act("unmute", r, id, s)
}

func (l *recordedLive) StartRecording(_ context.Context, r video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	return l.act("start_recording", r, id, s)
}

func (l *recordedLive) StopRecording(_ context.Context, r video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
	return l.act("stop_recording", r, id, s)
}

func (l *recordedLive) EndRoom(ctx context.Context, room video.RoomID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, room)
	if _, err := l.store.Room(ctx, l.account, room, false); err == nil {
		l.open = append(l.open, room)
	}
}

// reply is an answer that agrees with the document.
type reply struct {
	testing.TB
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

// call sends a request as the default account; header pairs override. A string body is sent as it is, anything else as JSON.
// The answer is held against the document.
func (h *house) call(method, target string, content any, header ...string) reply {
	h.Helper()
	request := newRequest(h, method, target, content, header...)
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, request)
	result := recorder.Result()
	raw, err := io.ReadAll(result.Body)
	h.must(err)
	checkAnswer(h, request, result, raw)
	answered := reply{TB: h.TB, status: result.StatusCode, header: result.Header, raw: raw}
	if result.Header.Get("Content-Type") == "application/json" {
		h.must(json.Unmarshal(raw, &answered.body))
	}
	return answered
}

func newRequest(h *house, method, target string, content any, header ...string) *http.Request {
	h.Helper()
	var reader io.Reader
	switch content := content.(type) {
	case nil:
	case string:
		reader = strings.NewReader(content)
	case []byte:
		reader = bytes.NewReader(content)
	default:
		encoded, err := json.Marshal(content)
		h.must(err)
		reader = bytes.NewReader(encoded)
	}
	request := httptest.NewRequestWithContext(h.Context(), method, "/v2"+target, reader)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	if content != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(header, 2) {
		if pair[1] == "" {
			request.Header.Del(pair[0])
		} else {
			request.Header.Set(pair[0], pair[1])
		}
	}
	return request
}

// contract is the document, and a mux that knows nothing but its paths.
var contract = sync.OnceValue(func() (c struct {
	doc   *openapi3.T
	paths *http.ServeMux
},
) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		panic(err)
	}
	c.doc, c.paths = doc, http.NewServeMux()
	for path := range doc.Paths.Map() {
		c.paths.Handle("/v2"+path, http.NotFoundHandler())
	}
	return c
})

// documented finds the operation a request is for, or nil. HEAD is documented with GET.
func documented(r *http.Request) *routers.Route {
	if !cleanPath(r.URL) {
		return nil
	}
	_, pattern := contract().paths.Handler(r)
	path := strings.TrimPrefix(pattern, "/v2")
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	item := contract().doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return nil
	}
	return &routers.Route{
		Spec: contract().doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method),
	}
}

// checked are the answers that were held against the document already.
var checked sync.Map

// checkAnswer fails the test if the document does not allow the answer.
func checkAnswer(t testing.TB, r *http.Request, result *http.Response, raw []byte) {
	t.Helper()
	for _, name := range []string{"X-Request-Id", "Request-Id"} {
		if result.Header.Get(name) == "" {
			t.Errorf("%s %s: no %s", r.Method, r.URL, name)
		}
	}
	if result.StatusCode >= 300 && result.StatusCode < 400 {
		t.Errorf("%s %s: redirected by %d", r.Method, r.URL, result.StatusCode)
	}
	if result.StatusCode == http.StatusNoContent {
		if len(raw) > 0 {
			t.Errorf("%s %s: 204 with a body", r.Method, r.URL)
		}
	}
	route := documented(r)
	if route == nil {
		if result.StatusCode >= 400 {
			checkEnvelope(t, raw)
		}
		if slices.Contains([]int{200, 204, 404, 405, 431}, result.StatusCode) {
			return
		}
		t.Errorf("%s %s is not documented, and answered %d", r.Method, r.URL, result.StatusCode)
		return
	}
	// Validation takes milliseconds, and many answers are the same.
	seen := fmt.Sprintf("%s %s %d %s %s", route.Method, route.Path, result.StatusCode, result.Header.Get("Content-Type"), raw)
	if _, again := checked.LoadOrStore(seen, true); again {
		return
	}
	r = r.Clone(t.Context())
	r.Method = route.Method // the recorder keeps what HEAD would not send
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 result.StatusCode,
		Header:                 result.Header,
		Body:                   io.NopCloser(bytes.NewReader(raw)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, SchemaValidationOptions: bodyFormats},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s answered %d %s against the document: %v", r.Method, r.URL, result.StatusCode, raw, err)
	}
}

// checkEnvelope holds an error answer against the one shape all have.
func checkEnvelope(t testing.TB, raw []byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Errorf("error answer %q: %v", raw, err)
		return
	}
	schema := contract().doc.Components.Schemas["Errors"].Value
	if err := schema.VisitJSON(value, openapi3.MultiErrors(), openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("error answer %s: %v", raw, err)
	}
}

// want fails the test unless the status is this one.
func (r reply) want(status int) reply {
	r.Helper()
	if r.status != status {
		r.Fatalf("status %d, want %d: %s", r.status, status, r.raw)
	}
	return r
}

// wantFaults fails the test unless the faults are these, each as "code source".
func (r reply) wantFaults(status int, want ...string) reply {
	r.Helper()
	r.want(status)
	var got []string
	for _, entry := range r.body["errors"].([]any) {
		entry := entry.(map[string]any)
		line := entry["code"].(string)
		if source, ok := entry["source"].(map[string]any); ok {
			for _, value := range source {
				line += " " + value.(string)
			}
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		r.Fatalf("faults %q, want %q: %s", got, want, r.raw)
	}
	return r
}

func (r reply) data() map[string]any {
	r.Helper()
	data, ok := r.body["data"].(map[string]any)
	if !ok {
		r.Fatalf("no object in %s", r.raw)
	}
	return data
}

// ids lists the ids of a list answer.
func (r reply) ids() []string {
	r.Helper()
	items, ok := r.body["data"].([]any)
	if !ok {
		r.Fatalf("no list in %s", r.raw)
	}
	ids := []string{}
	for _, item := range items {
		ids = append(ids, item.(map[string]any)["id"].(string))
	}
	return ids
}

// wantMeta fails the test unless the page stands there in its list.
func (r reply) wantMeta(pages, results, number, size float64) {
	r.Helper()
	want := map[string]any{"total_pages": pages, "total_results": results, "page_number": number, "page_size": size}
	for name, value := range want {
		if got := r.body["meta"].(map[string]any)[name]; got != value {
			r.Errorf("%s is %v, want %v", name, got, value)
		}
	}
}

// room makes a room and returns its id.
func (h *house) room(content any) string {
	h.Helper()
	return h.call("POST", "/rooms", content).want(http.StatusCreated).data()["id"].(string)
}

// stay is someone's stay in a session.
func (h *house) join(session, context string) string {
	h.Helper()
	id := video.NewUUID()
	h.must(h.store.Join(h.Context(), video.Participant{
		ID: video.ParticipantID(id), AccountID: h.account, SessionID: video.SessionID(session), Context: context,
	}))
	return id
}

func (h *house) openSession(room string) string {
	h.Helper()
	id := video.NewUUID()
	h.must(h.store.OpenSession(h.Context(), video.Session{
		ID: video.SessionID(id), AccountID: h.account, RoomID: video.RoomID(room),
	}))
	return id
}

func (h *house) endSession(session string) {
	h.Helper()
	h.store.EndSession(video.Session{ID: video.SessionID(session), EndedReason: video.EndedEmpty})
	h.must(h.store.Flush(h.Context()))
}

func (h *house) leave(session, participant string) {
	h.Helper()
	h.store.Leave(video.Participant{
		ID: video.ParticipantID(participant), AccountID: h.account, SessionID: video.SessionID(session),
		LeftReason: video.LeftByChoice,
	})
	h.must(h.store.Flush(h.Context()))
}

// parameters renders a query string of name and value pairs.
func parameters(pairs ...string) string {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Add(pair[0], pair[1])
	}
	return "?" + values.Encode()
}
