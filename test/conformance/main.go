// Command conformance runs software that others wrote against the real server: the vendor's official server SDKs, on every database
// the server knows, and WebRTC clients over WHIP and WHEP. For each pair of a suite and a database it starts a server of its own on
// fresh data, and runs the tests of the suite. `make conformance` builds what it needs and calls it from the root of the repository.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// suite is how the tests of one SDK or client are run.
type suite struct {
	name      string
	databases []string
	command   []string
}

var suites = []suite{
	{"node", []string{"sqlite", "postgres"}, []string{"npm", "test", "--silent", "-w", "test/conformance", "--"}},
	{"python", []string{"sqlite", "postgres"}, python(".cache/conformance-python/bin/python", "python", "test*.py")},
	{"aiortc", []string{"sqlite"}, python(".cache/conformance-webrtc/bin/python", "webrtc", "test_aiortc.py")},
	{"gstreamer", []string{"sqlite"}, python("/usr/bin/python3", "webrtc", "test_gstreamer.py")}, // which has the bindings
}

// python is a command that runs the tests in files of this pattern.
func python(interpreter, dir, pattern string) []string {
	dir = "test/conformance/" + dir
	return []string{interpreter, "-m", "unittest", "discover", "-s", dir, "-t", dir, "-p", pattern}
}

// apiKey is an admin key.
const apiKey = "KEY-of-the-conformance-suite-0001"

// serveFlags let webhooks reach receivers on this machine, and the rate limit be reached by a test and by no other. Nothing
// relays at the ICE server, which is there to be named.
var serveFlags = []string{
	"--metrics", "off", "--linger", "300ms", "--webhook-allow-private", "--rate-limit", "500",
	"--ice-servers", "turn:conformance:open-sesame@127.0.0.1:9?transport=udp",
}

// timeLimit is for one suite on one database.
const timeLimit = 2 * time.Minute

type settings struct {
	server, tools   string // the binary, and the directory of the programs that the tests use
	suite, database string // only this one; empty: all
	parallel        int
	more            []string // for the suite's test runner
}

func main() {
	var s settings
	flag.StringVar(&s.server, "server", "bin/rotunda", "the `binary` to test")
	flag.StringVar(&s.tools, "tools", ".cache/conformance", "the `directory` of the participant and recording programs")
	flag.StringVar(&s.suite, "suite", "", "only `node`, python, aiortc or gstreamer")
	flag.StringVar(&s.database, "database", "", "only `sqlite` or postgres")
	flag.IntVar(&s.parallel, "parallel", 2, "how many run at once")
	flag.Parse()
	s.more = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := runAll(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// runAll runs every pair, and returns the faults of those that failed.
func runAll(ctx context.Context, s settings) error {
	var err error
	if s.server, err = filepath.Abs(s.server); err != nil {
		return err
	}
	if s.tools, err = filepath.Abs(s.tools); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "rc-") // short: the path of PostgreSQL's socket is limited
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	var cluster *rig.Postgres
	if s.database != "sqlite" {
		if cluster, err = rig.StartPostgres(ctx); err != nil {
			return err
		}
		defer cluster.Stop()
	}
	var group errgroup.Group
	group.SetLimit(s.parallel)
	faults := make(chan error, 2*len(suites))
	for _, suite := range suites {
		for _, database := range suite.databases {
			if (s.suite != "" && s.suite != suite.name) || (s.database != "" && s.database != database) {
				continue
			}
			suite.command = slices.Concat(suite.command, s.more)
			group.Go(func() error {
				faults <- runOne(ctx, s, suite, database, cluster, filepath.Join(work, suite.name+"-"+database))
				return nil
			})
		}
	}
	_ = group.Wait() // the faults are in the channel, so that one does not hide another
	close(faults)
	var all []error
	for fault := range faults {
		all = append(all, fault)
	}
	return errors.Join(all...)
}

// runOne runs one suite on one database and prints how it went.
func runOne(ctx context.Context, s settings, suite suite, database string, cluster *rig.Postgres, dir string) error {
	name, begun := fmt.Sprintf("%s on %s", suite.name, database), time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	url := ""
	if database == "postgres" {
		var err error
		if url, err = cluster.Database(ctx, suite.name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	server, err := rig.Start(ctx, rig.Options{
		Binary: s.server, Data: dir, Database: url, APIKey: apiKey, Flags: serveFlags,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var output bytes.Buffer
	tests := exec.CommandContext(ctx, suite.command[0], suite.command[1:]...)
	tests.Env = append(os.Environ(), append(server.Place(), "NO_COLOR=1", "PYTHONDONTWRITEBYTECODE=1", "TELNYX_BASE_URL="+server.URL+"/v2", "TELNYX_API_KEY="+apiKey,
		"CONFORMANCE_SERVER="+s.server,
		"CONFORMANCE_PARTICIPANT="+filepath.Join(s.tools, "participant"),
		"CONFORMANCE_RECORDING="+filepath.Join(s.tools, "recording"),
		"CONFORMANCE_PYTHON_4_176="+filepath.Join(filepath.Dir(s.tools), "conformance-python-4.176"),
	)...)
	tests.Stdout, tests.Stderr = &output, &output
	tests.WaitDelay = time.Second
	err = tests.Run()
	if stopped := server.Stop(); err == nil {
		err = stopped
	}
	took := time.Since(begun).Round(100 * time.Millisecond)
	if err != nil {
		fmt.Printf("FAIL %s (%s)\n%s\n%s", name, took, output.String(), server.Log())
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("ok   %s (%s): %s\n", name, took, strings.Join(summary(output.String()), ", "))
	return nil
}

// summary picks the lines in which the test runners say how many tests there were.
func summary(output string) []string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.Join(strings.Fields(line), " ")
		if strings.HasPrefix(line, "Tests ") || strings.HasPrefix(line, "Ran ") {
			lines = append(lines, line)
		}
	}
	return lines
}
