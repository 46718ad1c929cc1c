package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The numbered steps of the getting-started page are carried out as a reader would: the server in one shell, everything
// else in a second, in order, with only the address changed to a free port.
func TestGettingStartedWorksAsWritten(t *testing.T) {
	page, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: install it with apt-get install %s", err, tool)
		}
	}
	address := freePort(t)
	text := strings.ReplaceAll(string(page), "127.0.0.1:8080", address)
	var server []string
	var steps strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```(sh|sh server)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		if block[1] == "sh server" {
			server = append(server, block[2])
		} else {
			fmt.Fprintf(&steps, "%s\n", block[2])
		}
	}
	if len(server) != 1 || strings.Count(steps.String(), "/actions/generate_join_client_token") != 1 {
		t.Fatalf("the page changed its shape: %d ways to start a server and these steps:\n%s", len(server), &steps)
	}

	dir := t.TempDir()
	program := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asProgram, os.Args[0])
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "rotunda"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	first := exec.CommandContext(t.Context(), "bash", "-c", "exec env "+server[0])
	first.Dir = dir
	first.Env = append(os.Environ(), "ROTUNDA_HTTP="+address, "ROTUNDA_RTC_UDP_PORT=0", "ROTUNDA_METRICS=off")
	output := new(lockedBuffer)
	first.Stdout, first.Stderr = output, output
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	waitHealthy(t, address, output)

	second := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", steps.String())
	second.Dir = dir
	said, err := second.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
	for _, want := range []string{
		`"unique_name": "tea"`, `"code":"10012"`, "http://" + address + "/#room=", `"token_expires_at"`, `"total_results": 0`,
	} {
		if !strings.Contains(string(said), want) {
			t.Errorf("no %s in what the steps printed:\n%s", want, said)
		}
	}

	_ = first.Process.Signal(os.Interrupt)
	if err := first.Wait(); err != nil {
		t.Errorf("the server ended with %v:\n%s", err, output)
	}
}

// The README's minute is carried out too, as one would type it.
func TestReadmeWorksAsWritten(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## A minute with curl")
	section, _, _ = strings.Cut(section, "\n## ")
	s := start(t, t.TempDir())
	steps := ""
	for _, typed := range regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(section, -1) {
		steps += typed[1] + "\n"
	}
	steps = strings.ReplaceAll(strings.ReplaceAll(steps, "http://127.0.0.1:8080", s.url), "KEY=…", "KEY="+s.key())
	said, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", steps).CombinedOutput()
	if err != nil || !regexp.MustCompile(`#room=[0-9a-f-]{36}&token=eyJ`).Match(said) {
		t.Errorf("%v: these steps\n%s\nprinted\n%s", err, steps, said)
	}
}

// The pages link to each other and to files of the repository.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	pages := []string{"../../README.md", "../../CONTRIBUTING.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			}
		}
	}
}

func waitHealthy(t *testing.T, address string, output *lockedBuffer) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the server said:\n%s", output)
		}
	}()
	eventually(t, "the server is ready", func() bool {
		answer, err := client.Get("http://" + address + "/healthz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// Every setting is in the operator's table, with the default it really has.
func TestOperatingPageListsEverySetting(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for key := range settings {
		row := regexp.MustCompile("(?m)^\\|.*`" + variableOf(key) + "` \\| `" + key + "` \\| (.*?) \\|").FindStringSubmatch(string(page))
		if row == nil {
			t.Errorf("%s is not in docs/operating.md", key)
			continue
		}
		written := strings.Trim(row[1], "`")
		if written == "any" || written == "none" || strings.Contains(written, " ") {
			continue // no value, but a word for the lack of one
		}
		c := defaultConfig()
		if err := settings[key](c, written); err != nil {
			t.Errorf("%s: the default %q %v", key, written, err)
			continue
		}
		if got, want := fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", defaultConfig()); got != want {
			t.Errorf("%s: the default is not %q: %s, want %s", key, written, got, want)
		}
	}
	for _, variable := range regexp.MustCompile("`ROTUNDA_([A-Z_]+)`").FindAllStringSubmatch(string(page), -1) {
		key := strings.ToLower(variable[1])
		if _, known := settings[key]; !known && key != "config" {
			t.Errorf("docs/operating.md has a setting that is none: %s", variable[0])
		}
	}
}
