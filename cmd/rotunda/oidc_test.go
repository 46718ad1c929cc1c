package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/oidc/oidctest"
)

func TestSignInSettingsThatCannotWork(t *testing.T) {
	provider := map[string]any{"oidc_issuer": "https://id.example.com", "oidc_client_id": "rotunda", "oidc_default_role": "viewer"}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{}
		for _, settings := range []map[string]any{provider, more} {
			for key, value := range settings {
				all[key] = value
			}
		}
		for key, value := range all {
			if value == nil {
				delete(all, key)
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		settings map[string]any
		want     string // empty: it works
	}{
		"nothing":               {nil, ""},
		"a provider":            {provider, ""},
		"no way in":             {map[string]any{"portal_passwords": "owners"}, "no way to sign in"},
		"no provider":           {map[string]any{"oidc_roles": []string{"a=owner"}}, "--oidc-issuer"},
		"no client":             {with(map[string]any{"oidc_client_id": nil}), "--oidc-client-id"},
		"only who is invited":   {with(map[string]any{"oidc_default_role": nil}), ""},
		"no address to go back": {with(map[string]any{"http": ":8080"}), "--public-url"},
		"an address":            {with(map[string]any{"http": ":8080", "public_url": "https://video.example.com"}), ""},
		"owners have passwords": {with(map[string]any{"portal_passwords": "owners"}), ""},
	} {
		config, err := loadConfig(c.settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = config.checkSignIn()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The whole way: from the settings to a member who has the role of the provider, and a way in for owners without it.
func TestServerWithASignInProvider(t *testing.T) {
	away := oidctest.New(t)
	away.Claims["groups"] = []any{"rotunda admins"}
	dir := t.TempDir()
	file := filepath.Join(dir, "rotunda.yaml")
	settings, err := json.Marshal(map[string]any{ // which is YAML
		"oidc_issuer": away.Issuer, "oidc_client_id": oidctest.ClientID, "oidc_client_secret": oidctest.ClientSecret, "oidc_name": "Example",
		"oidc_roles": []string{"rotunda admins=owner"}, "oidc_domains": []string{"example.com"}, "portal_passwords": "owners",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, "--config="+file)
	var methods struct {
		Passwords string
		OIDC      struct{ Name string }
	}
	s.call("GET", "/v2/portal_session/methods", "", "", http.StatusOK, &methods)
	if methods.Passwords != "owners" || methods.OIDC.Name != "Example" {
		t.Errorf("the ways in are %+v", methods)
	}

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: client.Transport, Timeout: client.Timeout}
	post := func(path string, body, answer any) {
		t.Helper()
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		response, err := browser.Post(s.url+"/v2/portal_session/actions/"+path, "application/json", strings.NewReader(string(encoded)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusCreated {
			t.Fatalf("%s answers %s", path, response.Status)
		}
		if err := json.NewDecoder(response.Body).Decode(&struct{ Data any }{answer}); err != nil {
			t.Fatal(err)
		}
	}
	var begun struct {
		Address string `json:"authorization_url"`
	}
	post("begin_oidc", map[string]any{}, &begun)
	code, state := away.SignIn(begun.Address)
	var session struct{ Member struct{ Email, Role string } }
	post("finish_oidc", map[string]any{"code": code, "state": state, "issuer": away.Issuer}, &session)
	if session.Member.Role != "owner" {
		t.Errorf("the member is %+v", session.Member)
	}

	for down, level := range map[bool]string{false: "ok", true: "warn"} {
		away.Down = down
		var looked struct {
			Checks []struct{ Name, Level string }
		}
		s.call("GET", "/v2/system_checks", s.key(), "", http.StatusOK, &looked)
		if last := looked.Checks[len(looked.Checks)-1]; last.Name != "sign-in provider" || last.Level != level {
			t.Errorf("down %t, the check is %+v", down, last)
		}
	}
	var inForce any
	s.call("GET", "/v2/system", s.key(), "", http.StatusOK, &inForce)
	if shown := fmt.Sprint(inForce); strings.Contains(shown, oidctest.ClientSecret) || !strings.Contains(shown, away.Issuer) {
		t.Errorf("the system shows %s", shown)
	}
	exit, reset, stderr := command(t, nil, "member", "reset", "ada@example.com", "--data="+dir)
	if exit != 0 {
		t.Fatal(stderr)
	}
	_, secret, _ := strings.Cut(strings.TrimSpace(reset), "/portal/password#")
	s.call("POST", "/v2/portal_session/actions/use_link", "", `{"link_secret":"`+secret+`","password":"staple battery horse"}`, http.StatusCreated, nil)
	s.call("POST", "/v2/portal_session", "", `{"email":"ada@example.com","password":"staple battery horse"}`, http.StatusCreated, nil)
	s.stop()
	for _, hidden := range []string{code, state, oidctest.ClientSecret, "eyJ"} {
		if strings.Contains(s.stderr.String(), hidden) {
			t.Errorf("%s is in the log:\n%s", hidden, s.stderr)
		}
	}
	if again := start(t, dir, "--config="+file); again.lines["setup"] != "" {
		t.Errorf("with an owner, still %s", again.lines["setup"])
	}
}
