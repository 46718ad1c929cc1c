// Package internal_test holds the house rules that are about all packages at once.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rotunda-rtc/rotunda/"

// floors is the table of docs/architecture.md. A package may import those of lower floors, never its own or a higher one.
var floors = []struct {
	name     string
	packages []string
}{
	{"words", []string{"internal/video", "internal/packet", "internal/bandwidth"}},
	{"codecs", []string{"internal/opus"}},
	{"clients", []string{"internal/restclient"}},
	{"engines", []string{"internal/sfu", "internal/auth", "internal/oidc", "internal/store", "internal/ws", "internal/observe", "internal/blob", "internal/bot", "internal/loadtest", "internal/turn", "internal/doctor", "internal/quality", "internal/mixer"}},
	{"core", []string{"internal/live", "internal/events", "internal/record", "internal/archive", "internal/compose"}},
	{"entrances", []string{"internal/rest", "internal/signal", "internal/janus", "internal/whip", "internal/download", "internal/demo", "internal/site"}},
	{"command", []string{"cmd/rotunda"}},
	{"rig", []string{"test/rig", "test/link"}},
	{"rehearsals", []string{"test/conformance", "test/conformance/participant", "test/conformance/recording", "test/load", "test/dialect", "test/soak", "test/link/run", "test/link/quality"}},
}

// apart are packages without a floor: they import none of ours, and what they hold is only data.
var apart = []string{"api", "apps/sample", "apps/docs", "apps/portal"}

// aids are packages that tests on every floor may use, and nothing else below them.
var aids = []string{"test/link"}

// doors names who may import an outside library; the longest matching prefix rules. A library without a door is
// refused, so that a new dependency is a decision.
var doors = map[string][]string{
	"github.com/pion/":                    {"internal/sfu", "internal/turn", "internal/bot", "internal/loadtest", "internal/doctor", "test/conformance/participant", "test/dialect"},
	"github.com/pion/sdp":                 {"internal/sfu", "internal/live", "internal/janus", "internal/whip", "internal/loadtest", "test/dialect"}, // a parser of offers and answers
	"github.com/coder/websocket":          {"internal/ws", "internal/bot", "internal/loadtest", "test/rig", "test/dialect"},
	"github.com/golang-jwt/jwt":           {"internal/auth"},
	"github.com/coreos/go-oidc":           {"internal/oidc"},
	"golang.org/x/oauth2":                 {"internal/oidc"},
	"golang.org/x/crypto":                 {"internal/auth"},
	"golang.org/x/crypto/acme":            {"cmd/rotunda"},
	"database/sql":                        {"internal/store"},
	"github.com/uptrace/bun":              {"internal/store"},
	"github.com/pressly/goose":            {"internal/store"},
	"github.com/jackc/pgx":                {"internal/store", "internal/store/storetest"},
	"modernc.org/sqlite":                  {"internal/store"},
	"github.com/prometheus/client_golang": {"internal/observe", "internal/sfu", "internal/store", "internal/ws", "internal/live", "internal/events", "internal/compose", "internal/rest", "internal/signal", "internal/whip", "cmd/rotunda"},
	"golang.org/x/time/rate":              {"internal/auth", "internal/ws"},
	"golang.org/x/sync":                   {"internal/store", "internal/live", "internal/sfu", "cmd/rotunda", "test/conformance"},
	"golang.org/x/sys":                    {"internal/sfu", "internal/loadtest", "cmd/rotunda", "test/link"},
	"golang.org/x/net":                    {"internal/sfu"},
	"github.com/alecthomas/kong":          {"cmd/rotunda"},
	"github.com/knadh/koanf":              {"cmd/rotunda"},
	"github.com/gofrs/flock":              {"cmd/rotunda"},
	"github.com/minio/minio-go":           {"internal/blob"},
	"net/http/pprof":                      {"internal/observe"},
	"go.opentelemetry.io/otel":            {"internal/observe"},
	"os/exec":                             {"internal/compose", "test/conformance", "test/rig", "test/link/run", "test/link/quality"},
	"github.com/getkin/kin-openapi":       {"internal/rest"},
	"github.com/tetratelabs/wazero":       {"internal/opus"},

	"github.com/prometheus/client_golang/prometheus/promhttp": {"internal/observe"},
}

// testDoors are the libraries that tests alone may use, wherever they are.
var testDoors = []string{
	"go.uber.org/goleak",
	"github.com/pion/", // a scripted client is a peer
	"github.com/coder/websocket",
	"github.com/golang-jwt/jwt", // forged tokens
	"github.com/prometheus/client_golang",
	"database/sql", // to break what store must survive
	"github.com/santhosh-tekuri/jsonschema",
	"go.opentelemetry.io/proto/otlp", // to read what a collector is sent
	"google.golang.org/protobuf/proto",
	"os/exec",
}

// listed is what go list says of a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		if isSupport(p.ImportPath) {
			continue
		}
		for _, imported := range p.Imports {
			if fault := forbidden(p.ImportPath, imported); fault != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, fault)
			}
		}
	}
}

// Tests may look below their floor and beside it, never above: a test that needs the floors above belongs to one of them.
func TestTestsImportNothingAbove(t *testing.T) {
	for _, p := range packages(t) {
		imports := slices.Concat(p.TestImports, p.XTestImports)
		if isSupport(p.ImportPath) {
			imports = p.Imports
		}
		for _, imported := range imports {
			own, ours := strings.CutPrefix(imported, module)
			switch {
			case ours && own == p.ImportPath, ours && slices.Contains(apart, own), ours && slices.Contains(aids, own):
			case ours && floorOf(tested(own)) < 0:
				t.Errorf("a test of %s imports %s, which has no floor", p.ImportPath, own)
			case ours && floorOf(tested(own)) > floorOf(tested(p.ImportPath)):
				t.Errorf("a test of %s imports %s, which is above it", p.ImportPath, own)
			case ours:
			case hasDoor(testDoors, imported):
			default:
				if fault := closedDoor(p.ImportPath, imported); fault != "" {
					t.Errorf("a test of %s imports %s: %s", p.ImportPath, imported, fault)
				}
			}
		}
	}
}

// isSupport reports whether a package exists for tests alone, such as live/livetest: it follows the rules of tests, and
// nothing but tests may import it.
func isSupport(p string) bool { return tested(p) != p }

// tested is the package a support package belongs to; any other is its own.
func tested(p string) string {
	if parent, name := path.Split(p); strings.HasSuffix(name, "test") && floorOf(strings.TrimSuffix(parent, "/")) >= 0 {
		return strings.TrimSuffix(parent, "/")
	}
	return p
}

// The rules themselves are tested too: a table that lets everything pass would look the same.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		allowed            bool
	}{
		{"internal/rest", module + "internal/live", true},
		{"internal/rest", module + "internal/video", true},
		{"internal/rest", module + "internal/signal", false},
		{"internal/live", module + "internal/sfu", true},
		{"internal/live", module + "internal/rest", false},
		{"internal/sfu", module + "internal/store", false},
		{"internal/sfu", module + "cmd/rotunda", false},
		{"internal/video", module + "internal/packet", false},
		{"cmd/rotunda", module + "apps/sample", true},
		{"internal/rest", module + "internal/unheard", false},
		{"internal/signal", module + "internal/live/livetest", false},
		{"internal/turn", "github.com/pion/turn/v5", true},
		{"internal/turn", module + "internal/sfu", false},
		{"internal/sfu", "github.com/pion/webrtc/v4", true},
		{"internal/packet", "github.com/pion/rtp", false},
		{"internal/mixer", module + "internal/opus", true},
		{"internal/mixer", "github.com/tetratelabs/wazero", false},
		{"internal/live", "github.com/pion/sdp/v3", true},
		{"internal/packet", "github.com/pion/webrtc/v4", false},
		{"internal/live", "github.com/pion/webrtc/v4", false},
		{"internal/video", "github.com/pion/rtp", false},
		{"internal/rest", "database/sql", false},
		{"internal/signal", "github.com/coder/websocket", false},
		{"internal/rest", "example.com/unheard", false},
		{"internal/rest", "net/http", true},
	} {
		if fault := forbidden(c.importer, c.imported); (fault == "") != c.allowed {
			t.Errorf("%s importing %s: %q, want allowed %t", c.importer, c.imported, fault, c.allowed)
		}
	}
}

// forbidden says why importer may not import imported, or nothing. importer is relative to the module.
func forbidden(importer, imported string) string {
	own, ours := strings.CutPrefix(imported, module)
	if !ours {
		return closedDoor(importer, imported)
	}
	from, to := floorOf(importer), floorOf(own)
	switch {
	case slices.Contains(apart, importer):
		return "packages apart import none of ours"
	case slices.Contains(apart, own):
		return ""
	case from < 0:
		return importer + " has no floor: give it one in this table and in docs/architecture.md"
	case to < 0:
		return own + " has no floor: give it one in this table and in docs/architecture.md"
	case to >= from:
		return "imports point down, and " + own + " is on the floor of " + floors[to].name
	}
	return ""
}

func closedDoor(importer, imported string) string {
	door, longest := []string(nil), -1
	for library, importers := range doors {
		if hasPath(imported, library) && len(library) > longest {
			door, longest = importers, len(library)
		}
	}
	switch {
	case longest < 0 && !strings.Contains(strings.Split(imported, "/")[0], "."):
		return "" // the standard library
	case longest < 0:
		return "the library has no door: decide on one in this table"
	case !slices.Contains(door, importer):
		return "the library's door is " + strings.Join(door, ", ")
	}
	return ""
}

func hasDoor(libraries []string, imported string) bool {
	return slices.ContainsFunc(libraries, func(library string) bool { return hasPath(imported, library) })
}

// hasPath reports whether an import path is prefix or below it.
func hasPath(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func floorOf(p string) int {
	for i, floor := range floors {
		if slices.Contains(floor.packages, p) {
			return i
		}
	}
	return -1
}

// packages are all of ours, by paths relative to the module.
func packages(t *testing.T) []listed {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
	if len(all) < 3 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}
