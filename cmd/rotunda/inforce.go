package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// Where a setting can come from.
const (
	fromDefault     = "default"
	fromFile        = "file"
	fromEnvironment = "environment"
	fromFlag        = "flag"
)

// written is a setting as the operator wrote it.
type written struct{ text, source string }

// note remembers what one layer says, for those who ask later which settings are in force.
func (c *Config) note(values map[string]any, source string) {
	if c.written == nil {
		c.written = make(map[string]written)
	}
	for key, value := range values {
		c.written[key] = written{plainly(value), source}
	}
}

func plainly(value any) string {
	switch value := value.(type) {
	case []string:
		return strings.Join(value, ", ")
	case []any:
		words := make([]string, len(value))
		for i, one := range value {
			words[i] = fmt.Sprint(one)
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprint(value)
}

// secretSettings are never shown: only whether they are set.
var secretSettings = []string{"api_key", "root_key", "s3_access_key", "s3_secret_key", "ice_servers", "database_url", "otlp_headers", "oidc_client_secret"}

// unflagged are the settings that have no flag, because flags can be seen by everyone on the machine.
var unflagged = []string{"root_key", "s3_access_key", "s3_secret_key", "otlp_headers", "oidc_client_secret"}

// usual are the defaults as an operator would write them; what is not here is not set by default.
var usual = map[string]string{
	"http": "127.0.0.1:8080", "data": "./data", "acme_directory": defaultConfig().ACMEDirectory,
	"rtc_udp_port": "7882", "rtc_tcp_port": "auto", "turn_port": "auto", "turn_tls_port": "auto",
	"turn_lifetime": "12h", "turn_allocations": "10000", "turn_client_allocations": "32", "turn_bandwidth": "20000",
	"demo": "off", "linger": "5s", "resume_grace": "15s", "duplicate_identity": "allow", "drain_timeout": "5s",
	"whep_viewers": "500", "loudest_voices": "5", "large_room": "20", "rate_limit": "5000", "metrics": "127.0.0.1:9464",
	"trace_ratio": "1", "log_level": "info", "log_format": "text", "signing_key_rotation": "720h", "webhook_user_agent": "telnyx-webhooks",
	"webhook_allow_private": "false", "history_retention": "720h", "quality_retention": "336h", "usage_retention": "26280h",
	"portal_passwords": "all", "oidc_scopes": "email, profile", "oidc_role_claim": "groups",
	"media_store": mediaLocal, "s3_region": "us-east-1", "s3_addressing": "auto", "media_encryption": "false",
	"mix_bitrate": "40", "janus": "on", "janus_handles": "512", "recording_min_free": "auto", "recording_retention": "0", "compose_jobs": strconv.Itoa(defaultConfig().ComposeJobs),
}

// inForce are all settings, by name.
func (c *Config) inForce() []rest.SystemSetting {
	all := make([]rest.SystemSetting, 0, len(settings))
	for key := range settings {
		s := rest.SystemSetting{
			Name: key, Value: usual[key], Source: fromDefault, Variable: variableOf(key), Flag: flagOf(key), Secret: slices.Contains(secretSettings, key),
		}
		_, s.Set = usual[key]
		if given, set := c.written[key]; set {
			s.Value, s.Source, s.Set = given.text, given.source, true
		}
		if slices.Contains(unflagged, key) {
			s.Flag = ""
		}
		if s.Secret {
			s.Value = ""
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b rest.SystemSetting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// databasePlace says where the record is, without a password or whatever else a URL may hold.
func (c *Config) databasePlace() string {
	if c.DatabaseURL == "" {
		return "SQLite, " + databasePath(c.Data)
	}
	u, err := url.Parse(c.DatabaseURL)
	if err != nil {
		return "PostgreSQL"
	}
	return "PostgreSQL, " + u.Host + u.Path
}

// mediaPlace says where recordings and compositions stay.
func (c *Config) mediaPlace() string {
	if c.MediaStore == mediaS3 {
		return fmt.Sprintf("S3, bucket %s at %s", c.S3Bucket, c.S3Endpoint)
	}
	return "local, " + mediaDir(c.Data)
}
