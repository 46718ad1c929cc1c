package events

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rotunda-rtc/rotunda/api"
)

var eventSchema = sync.OnceValue(func() *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.EventsSchema))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:rotunda:events:1", document); err != nil {
		panic(err)
	}
	return compiler.MustCompile("urn:rotunda:events:1")
})

func checkSchema(body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return eventSchema().Validate(value)
}

// A schema that accepts everything would look the same.
func TestSchemaRefuses(t *testing.T) {
	good := string(blocks(t, "json")[0])
	for what, change := range map[string][2]string{
		"an unknown type":        {"participant.left", "participant.gone"},
		"another type's payload": {"participant.left", "participant.joined"},
		"a missing field":        {`"context"`, `"contest"`},
		"a fraction":             {`"duration_secs": 90`, `"duration_secs": 90.5`},
		"a time in seconds":      {`27.521992Z`, `27Z`},
		"attempt 0":              {`"attempt": 1`, `"attempt": 0`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good || checkSchema([]byte(bad)) == nil {
			t.Errorf("%s was accepted", what)
		}
	}
}

func blocks(t *testing.T, language string) (all [][]byte) {
	t.Helper()
	page, err := os.ReadFile("../../docs/webhooks.md")
	must(t, err)
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(page, -1) {
		all = append(all, found[1])
	}
	if len(all) == 0 {
		t.Fatalf("the page has no %s", language)
	}
	return all
}

func TestPageShowsEvents(t *testing.T) {
	for _, block := range blocks(t, "json") {
		if err := checkSchema(block); err != nil {
			t.Errorf("%v:\n%s", err, block)
		}
	}
}

// The page's ways to verify are carried out on a request that was really sent, and on one that was changed on its way.
func TestPageVerifies(t *testing.T) {
	secret := []byte("a secret of some bytes")
	o := openOffice(t)
	o.config.Signer = keys{[][]byte{secret}}
	h := newHook(t, nil)
	o.deliver()
	o.test(h.URL)
	h.await(t, 1)
	got := h.all()[0]
	lower := map[string]string{}
	for name := range got.header {
		lower[strings.ToLower(name)] = got.header.Get(name)
	}
	public := base64.StdEncoding.EncodeToString(pair().Public().(ed25519.PublicKey))
	shared := "whsec_" + base64.StdEncoding.EncodeToString(secret)
	for language, c := range map[string]struct {
		file, program, key string
		command            []string
	}{
		"js": {"hook.mjs", string(blocks(t, "js")[0]) +
			"const {headers, body, key} = JSON.parse(process.argv[2]);\nconsole.log(verify(headers, body, key) ? 'yes' : 'no');\n", public, []string{"node"}},
		"python": {"hook.py", string(blocks(t, "python")[0]) +
			"\nimport json, sys\na = json.loads(sys.argv[1])\nprint('yes' if verify(a['headers'], a['body'].encode(), a['key']) else 'no')\n", shared, []string{"python3"}},
		"go": {"hook.go", goProgram(string(blocks(t, "go")[0])), public, []string{"go", "run"}},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		must(t, os.WriteFile(path, []byte(c.program), 0o600))
		for body, want := range map[string]string{string(got.body): "yes\n", string(got.body) + " ": "no\n"} {
			input, err := json.Marshal(map[string]any{"headers": lower, "body": body, "key": c.key})
			must(t, err)
			command := exec.Command(c.command[0], append(c.command[1:], path, string(input))...)
			out, err := command.CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%s says %q (%v), want %q", language, out, err, want)
			}
		}
	}
}

// goProgram makes a program of the page's function.
func goProgram(block string) string {
	block = strings.Replace(block, "package hook", "package main", 1)
	block = strings.Replace(block, "import (", "import (\n\t\"encoding/json\"\n\t\"fmt\"\n\t\"os\"", 1)
	return block + `
func main() {
	var in struct {
		Headers map[string]string
		Body, Key string
	}
	if err := json.Unmarshal([]byte(os.Args[1]), &in); err != nil {
		panic(err)
	}
	header := http.Header{}
	for name, value := range in.Headers {
		header.Set(name, value)
	}
	fmt.Println(map[bool]string{true: "yes", false: "no"}[verify(header, []byte(in.Body), in.Key)])
}
`
}

// Every event type the reference has, and ours, is in the schema with all its fields, and on the page.
func TestSchemaHasEveryEvent(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhooks.md")
	must(t, err)
	id, failure := "6b61621f-62e0-4aad-ab11-9fd19e272e73", map[string]any{"code": "x", "title": "x", "detail": "x"}
	sample := map[string]any{
		"context": "", "type": "audio", "size_mb": 0.5, "download_url": "x", "codec": "opus", "duration_secs": 1,
		"format": "mp4", "resolution": "1280x720", "ended_reason": "x", "left_reason": "x", "error": failure,
	}
	for name, fields := range map[string]string{
		"video.room.session.started":       "session_id room_id",
		"video.room.session.ended":         "session_id room_id duration_secs ended_reason",
		"video.room.participant.joined":    "session_id room_id participant_id context",
		"video.room.participant.left":      "session_id room_id participant_id context duration_secs left_reason",
		"video.room.recording.started":     "session_id room_id participant_id recording_id type",
		"video.room.recording.completed":   "session_id room_id participant_id recording_id type size_mb download_url codec duration_secs",
		"video.room.recording.failed":      "session_id room_id participant_id recording_id type error",
		"video.room.composition.completed": "composition_id room_id session_id download_url duration_secs format resolution size_mb",
		"video.room.composition.failed":    "composition_id room_id session_id error",
		"rotunda.test":                     "",
	} {
		payload := map[string]any{}
		for _, field := range strings.Fields(fields) {
			payload[field] = sample[field]
			if strings.HasSuffix(field, "_id") {
				payload[field] = id
			}
		}
		check := func() error {
			body, err := json.Marshal(map[string]any{
				"data": map[string]any{"record_type": "event", "event_type": name, "id": id, "occurred_at": "2026-02-02T22:25:27.521992Z", "payload": payload},
				"meta": map[string]any{"attempt": 1, "delivered_to": "https://example.com"},
			})
			must(t, err)
			return checkSchema(body)
		}
		if err := check(); err != nil || !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("%s is not described: %v", name, err)
		}
		for _, field := range strings.Fields(fields) {
			value := payload[field]
			if delete(payload, field); check() == nil {
				t.Errorf("%s is accepted without %s", name, field)
			}
			payload[field] = value
		}
	}
}
