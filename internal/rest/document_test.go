package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/api"
	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestDocumentIsServed(t *testing.T) {
	h := newHouse(t)
	asYAML := h.call("GET", "/openapi.yaml", nil, "Authorization", "").want(http.StatusOK)
	if !bytes.Equal(asYAML.raw, api.OpenAPI) || asYAML.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s: %d bytes", asYAML.header.Get("Content-Type"), len(asYAML.raw))
	}
	asJSON := h.call("GET", "/openapi.json", nil, "Authorization", "").want(http.StatusOK)
	doc, err := openapi3.NewLoader().LoadFromData(asJSON.raw)
	h.must(err)
	h.must(doc.Validate(t.Context()))
	h.must(contract().doc.Validate(t.Context()))
	if doc.Paths.Len() != contract().doc.Paths.Len() || doc.OpenAPI != "3.1.0" {
		t.Errorf("%d paths, version %s", doc.Paths.Len(), doc.OpenAPI)
	}
}

// TestDocumentAndRoutesAgree changes one or the other and expects New's own check to see it.
func TestDocumentAndRoutesAgree(t *testing.T) {
	doc, err := loadDocument(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	all := (&entrance{}).operations()
	agree := func(operations []*operation) error {
		_, err := doc.resources(slices.Concat(operations, doc.operations()))
		return err
	}
	// otherwise has the document say something else of one operation meanwhile.
	otherwise := func(op *operation, change func(*openapi3.Operation) *openapi3.Operation) error {
		item := doc.parsed.Paths.Value(op.path)
		documented := item.GetOperation(op.method)
		defer item.SetOperation(op.method, documented)
		changed := *documented
		changed.Extensions = maps.Clone(documented.Extensions)
		item.SetOperation(op.method, change(&changed))
		return agree(all)
	}
	if err := agree(all); err != nil {
		t.Fatal(err)
	}
	for i, op := range all {
		others := slices.Delete(slices.Clone(all), i, i+1)
		if err := agree(others); err == nil || !strings.Contains(err.Error(), "not served") {
			t.Errorf("without %s %s: %v", op.method, op.path, err)
		}
		if err := otherwise(op, func(*openapi3.Operation) *openapi3.Operation { return nil }); err == nil ||
			!strings.Contains(err.Error(), "not documented") {
			t.Errorf("%s %s undocumented: %v", op.method, op.path, err)
		}
		if err := otherwise(op, func(o *openapi3.Operation) *openapi3.Operation { o.Security = nil; return o }); (err == nil) == op.public {
			t.Errorf("%s %s with a key: %v", op.method, op.path, err)
		}
		for name, value := range map[string]any{"x-right": "admin", "x-endpoint-cost": "much"} {
			err := otherwise(op, func(o *openapi3.Operation) *openapi3.Operation { o.Extensions[name] = value; return o })
			if err == nil && (!op.public || name == "x-right") {
				t.Errorf("%s %s with %s: %v is fine", op.method, op.path, name, value)
			}
		}
		changed := *op
		changed.action = map[bool]string{true: audited}[op.action == ""]
		if err := agree(append(others, &changed)); err == nil || !strings.Contains(err.Error(), "audit") {
			t.Errorf("%s %s with the action %q: %v", op.method, op.path, changed.action, err)
		}
	}
}

// TestDocumentIsComplete holds the document to what every operation must say.
func TestDocumentIsComplete(t *testing.T) {
	for path, item := range contract().doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s lacks its id, summary or tag", name)
			}
			var want []int
			document := strings.HasPrefix(path, "/openapi")
			if !document {
				want = append(want, 500, 503)
				if op.Security == nil {
					want = append(want, 401, 403, 429)
				}
			}
			if strings.Contains(path, "{") {
				want = append(want, 404)
			}
			if op.RequestBody != nil {
				want = append(want, 400, 408, 413, 415, 422)
			}
			if method == http.MethodPost && op.Security == nil && op.Parameters.GetByInAndName("header", "Idempotency-Key") == nil {
				t.Errorf("%s does not document its Idempotency-Key", name)
			}
			if len(op.Parameters) > 0 {
				want = append(want, 400)
			}
			for _, status := range append(want, 431) {
				if op.Responses.Status(status) == nil {
					t.Errorf("%s does not document %d", name, status)
				}
			}
			for status, response := range op.Responses.Map() {
				for _, header := range []string{"x-request-id", "request-id"} {
					if response.Value.Headers[header] == nil {
						t.Errorf("%s %s does not document %s", name, status, header)
					}
				}
			}
		}
	}
}

// The document writes out bounds that other packages know by name.
func TestBoundsAreThoseOfTheServer(t *testing.T) {
	schemas := contract().doc.Components.Schemas
	property := func(schema, name string) *openapi3.Schema { return schemas[schema].Value.Properties[name].Value }
	for _, c := range []struct {
		schema, name string
		least, most  float64
	}{
		{"RoomCreate", "max_participants", video.MinRoomParticipants, video.MaxRoomParticipants},
		{"RoomCreate", "webhook_timeout_secs", 0, video.MaxWebhookTimeoutSecs},
		{"RoomCreate", "recording_retention_days", 0, video.MaxRetentionDays},
		{"TokenCreate", "token_ttl_secs", video.MinTokenTTLSecs, video.MaxTokenTTLSecs},
		{"TokenCreate", "refresh_token_ttl_secs", video.MinRefreshTokenTTLSecs, video.MaxRefreshTokenTTLSecs},
		{"TokenRefresh", "token_ttl_secs", video.MinTokenTTLSecs, video.MaxTokenTTLSecs},
		{"CompositionCreate", "webhook_timeout_secs", 0, video.MaxWebhookTimeoutSecs},
		{"Region", "x_pos", 0, video.MaxFrameSide},
		{"Region", "y_pos", 0, video.MaxFrameSide},
		{"Region", "z_pos", -video.MaxRegionDepth, video.MaxRegionDepth},
		{"Region", "width", video.MinRegionSide, video.MaxFrameSide},
		{"Region", "height", video.MinRegionSide, video.MaxFrameSide},
		{"Region", "max_columns", 1, video.MaxGridSide},
		{"Region", "max_rows", 1, video.MaxGridSide},
	} {
		if p := property(c.schema, c.name); *p.Min != c.least || *p.Max != c.most {
			t.Errorf("%s %s is %v to %v, the server's %v to %v", c.schema, c.name, *p.Min, *p.Max, c.least, c.most)
		}
	}
	if got := *property("RoomCreate", "unique_name").MaxLength; got != video.MaxUniqueNameLength {
		t.Errorf("names have %d characters, the server's %d", got, video.MaxUniqueNameLength)
	}
	layout, selector := property("CompositionCreate", "video_layout"), property("ParticipantsSelector", "participants")
	for name, bound := range map[string]struct {
		got  *uint64
		want uint64
	}{
		"regions":               {layout.MaxProps, video.MaxRegions},
		"name of a region":      {layout.PropertyNames.Value.MaxLength, video.MaxRegionNameLength},
		"pictures of a region":  {property("Region", "video_sources").AnyOf[0].Value.MaxItems, video.MaxSources},
		"sounds":                {property("CompositionCreate", "audio_sources").AnyOf[0].Value.MaxItems, video.MaxSources},
		"participants":          {selector.AnyOf[0].Value.MaxItems, maxSelected},
		"excluded participants": {property("ParticipantsSelector", "exclude").MaxItems, maxSelected},
	} {
		if *bound.got != bound.want {
			t.Errorf("%s: at most %d, the server's %d", name, *bound.got, bound.want)
		}
	}
	for name, want := range map[string]string{"format": string(video.DefaultContainer), "resolution": video.DefaultFrame} {
		if got := property("CompositionCreate", name).Default; got != want {
			t.Errorf("%s is %v by default, the server's %s", name, got, want)
		}
	}
	if got := *contract().doc.Components.Parameters["PageSize"].Value.Schema.Value.Max; got != video.MaxPageSize {
		t.Errorf("pages have %v results, the server's %d", got, video.MaxPageSize)
	}
}

// The page for operators names limits that are constants here.
func TestOperatingPageNamesLimits(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for what, limit := range map[string]string{
		"REST body":                         fmt.Sprintf("%d MiB", MaxBodyBytes>>20),
		"request line and headers":          fmt.Sprintf("%d KiB", MaxHeaderBytes>>10),
		"idempotency key":                   fmt.Sprint(maxIdempotencyKey),
		"page of a list":                    fmt.Sprint(video.MaxPageSize),
		"sessions that come with a room":    fmt.Sprintf("the newest %d", store.MaxIncluded),
		"sessions followed by one account":  fmt.Sprint(maxFollowers),
		"participants named, or excluded":   fmt.Sprintf("%d,%03d", maxSelected/1000, maxSelected%1000),
		"name of a room; URL of a webhook;": fmt.Sprintf("%d characters; %d,000 characters; %d bytes", video.MaxUniqueNameLength, video.MaxURLLength/1000, auth.MaxIdentityBytes),
		"regions of a composition;":         fmt.Sprintf("%d; %d,000", video.MaxRegions, video.MaxSources/1000),
		"answer to a webhook that is kept":  fmt.Sprintf("%d kB", video.MaxResponseBody>>10),
		"tokens refreshed from one address": fmt.Sprintf("%d a second over a burst of %d", refreshesPerSecond, refreshBurst),
		"attempts to sign in from":          fmt.Sprintf("%d, then one every %v seconds", signInBurst, 1/signInsPerSecond),
		"API keys remembered":               fmt.Sprintf("%d,000", maxBuckets/1000),
	} {
		_, row, found := strings.Cut(string(page), "| "+what)
		row, _, _ = strings.Cut(row, "\n")
		if !found || !strings.Contains(row, limit) {
			t.Errorf("the row of %q does not say %q", what, limit)
		}
	}
}

func TestExamplesMatchTheirSchemas(t *testing.T) {
	check := func(where string, content openapi3.Content) {
		media := content.Get("application/json")
		if media == nil || media.Example == nil {
			return
		}
		encoded, err := json.Marshal(media.Example)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(encoded, &value); err != nil {
			t.Fatal(err)
		}
		if err := media.Schema.Value.VisitJSON(value, append(slices.Clone(bodyFormats), openapi3.EnableJSONSchema2020())...); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for path, item := range contract().doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody != nil {
				check(method+" "+path, op.RequestBody.Value.Content)
			}
			for status, response := range op.Responses.Map() {
				check(method+" "+path+" "+status, response.Value.Content)
			}
		}
	}
}

func TestNewRefusesGaps(t *testing.T) {
	h := newHouse(t)
	for name, spoil := range map[string]func(*Config){
		"Rooms": func(c *Config) { c.Rooms = nil }, "Sessions": func(c *Config) { c.Sessions = nil }, "Keys": func(c *Config) { c.Keys = nil },
		"Recordings": func(c *Config) { c.Recordings = nil }, "Compositions": func(c *Config) { c.Compositions = nil },
		"Tokens": func(c *Config) { c.Tokens = nil }, "Live": func(c *Config) { c.Live = nil }, "Log": func(c *Config) { c.Log = nil },
		"Audits": func(c *Config) { c.Audits = nil }, "Idempotency": func(c *Config) { c.Idempotency = nil },
		"Vault": func(c *Config) { c.Vault = nil }, "10 units": func(c *Config) { c.RateLimit = MinRateLimit - 1 },
		"or 0 for none": func(c *Config) { c.RateLimit = -1 },
	} {
		config := h.config
		config.Log = slog.New(slog.DiscardHandler)
		spoil(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	h := newHouse(b)
	for b.Loop() {
		h.rebuild()
	}
}

// BenchmarkCreateRoom is the whole way of a body through its checks, without the store.
func BenchmarkCreateRoom(b *testing.B) {
	h := newHouse(b)
	h.config.Rooms = failing{h.store, func() error { return nil }}
	h.rebuild()
	content := `{"unique_name":"name","max_participants":10,"webhook_event_url":"https://example.com/events","webhook_timeout_secs":5}`
	b.ReportAllocs()
	for b.Loop() {
		h.handler.ServeHTTP(httptest.NewRecorder(), newRequest(h, "POST", "/rooms", content))
	}
}
