package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The defaults that are shown are the defaults there are, and none is missing.
func TestUsualSettingsAreTheDefaults(t *testing.T) {
	c := &Config{}
	for key, text := range usual {
		if err := settings[key](c, text); err != nil {
			t.Errorf("%s: %q %v", key, text, err)
		}
	}
	if !reflect.DeepEqual(c, defaultConfig()) {
		t.Errorf("these make\n%+v\nand not\n%+v", c, defaultConfig())
	}
}

// Every setting is shown with where it came from, and no secret is shown in any way.
func TestSettingsInForce(t *testing.T) {
	const secret = "a-secret-of-more-than-24-characters"
	c, err := load(t, []string{"--linger=7s", "--drain-timeout=9s"}, "log_format: json\nlinger: 3s\nallowed_origins: [https://a.example, https://b.example]\n",
		"ROTUNDA_LINGER=5s", "ROTUNDA_RATE_LIMIT=100", "ROTUNDA_API_KEY="+secret, "ROTUNDA_S3_SECRET_KEY="+secret,
		"ROTUNDA_ICE_SERVERS=turn:user:"+secret+"@turn.example.com:3478", "ROTUNDA_DATABASE_URL=postgres://rotunda:"+secret+"@db.example:5432/calls?sslpassword="+secret)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.inForce() {
		got[s.Name] = fmt.Sprintf("%s from %s", s.Value, s.Source)
		if s.Variable != variableOf(s.Name) || s.Flag != "" && s.Flag != flagOf(s.Name) || (s.Flag == "") != slices.Contains(unflagged, s.Name) {
			t.Errorf("%s is set by %s and %s", s.Name, s.Variable, s.Flag)
		}
		if s.Secret && s.Value != "" {
			t.Errorf("%s is shown", s.Name)
		}
	}
	if len(got) != len(settings) {
		t.Errorf("%d of %d settings", len(got), len(settings))
	}
	for key, want := range map[string]string{
		"linger": "7s from flag", "drain_timeout": "9s from flag", "rate_limit": "100 from environment", "log_format": "json from file",
		"allowed_origins": "https://a.example, https://b.example from file", "large_room": "20 from default", "public_url": " from default",
		"api_key": " from environment",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if all := fmt.Sprintf("%+v %s %s", c.inForce(), c.databasePlace(), c.mediaPlace()); strings.Contains(all, secret) {
		t.Errorf("secrets in %s", all)
	}
	if place := c.databasePlace(); place != "PostgreSQL, db.example:5432/calls" {
		t.Errorf("the record is at %s", place)
	}
}

func TestCertificatesOfAuthorities(t *testing.T) {
	seen := inspections{domains: []string{"a.example", "b.example"}}
	seen.note("b.example", nil, errors.New("refused"))
	all := seen.all()
	if len(all) != 2 || all[0].Error != "it was not asked for yet" || all[0].ExpiresAt != nil || all[1].Error != "refused" || all[1].Names[0] != "b.example" {
		t.Errorf("%+v", all)
	}
}
