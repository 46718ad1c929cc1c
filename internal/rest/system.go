package rest

import (
	"context"
	"net/http"
	"time"
)

// System is what a server says of itself. None of it is secret.
type System struct {
	Version      string
	GoVersion    string
	StartedAt    time.Time
	Database     string // where the record is
	MediaStore   string // where recordings and compositions stay
	MetricsURL   string // empty: there are none
	Settings     []SystemSetting
	Certificates []SystemCertificate
	Retention    []SystemRetention
}

// SystemSetting is one setting that is in force. Exactly one of Value and Secret says what it is; a secret is only said to be set or not.
type SystemSetting struct {
	Name     string // in the YAML file
	Value    string
	Secret   bool
	Set      bool   // it has a value, which for secrets is all that is told
	Source   string // default, file, environment or flag
	Variable string
	Flag     string // empty: it has none
}

// SystemCertificate is a certificate the server presents, or is to get.
type SystemCertificate struct {
	Names     []string
	Source    string // file or acme
	Issuer    string
	ExpiresAt *time.Time // nil: there is none yet
	Error     string     // why it is not there or not renewed; empty: all is well
}

// SystemRetention is how long something is kept.
type SystemRetention struct {
	What    string
	Setting string
	Time    time.Duration // 0: for ever, unless Off
	Off     bool          // nothing of it is kept
}

// StorageTest is what came of writing, reading and deleting an object where media stays.
type StorageTest struct {
	Place string
	Took  time.Duration
	Err   error
}

// Systems tells of the server and tries it out.
type Systems interface {
	System(ctx context.Context) System
	TestStorage(ctx context.Context) StorageTest
}

func (e *entrance) retrieveSystem(r *request) (answer, error) {
	s := e.System.System(r.Context())
	return one(http.StatusOK, systemJSON{
		RecordType: "system", Version: s.Version, GoVersion: s.GoVersion, StartedAt: timestamp(s.StartedAt),
		Uptime: int64(time.Since(s.StartedAt) / time.Second), Database: s.Database, MediaStore: s.MediaStore, MetricsURL: optional(s.MetricsURL),
		Settings: each(s.Settings, renderSetting), Certificates: each(s.Certificates, renderCertificate), Retention: each(s.Retention, renderRetention),
	}), nil
}

func (e *entrance) testStorage(r *request) (answer, error) {
	test := e.System.TestStorage(r.Context())
	result := storageTestJSON{
		RecordType: "storage_test", TestedAt: timestamp(time.Now()), OK: test.Err == nil, Place: test.Place, Took: milliseconds(test.Took),
	}
	detail := "ok"
	if test.Err != nil {
		text := test.Err.Error()
		result.Error, detail = &text, text
	}
	r.note("", detail)
	return one(http.StatusOK, result), nil
}

type (
	systemJSON struct {
		RecordType   string            `json:"record_type"`
		Version      string            `json:"version"`
		GoVersion    string            `json:"go_version"`
		StartedAt    timestamp         `json:"started_at"`
		Uptime       int64             `json:"uptime_secs"`
		Database     string            `json:"database"`
		MediaStore   string            `json:"media_store"`
		MetricsURL   *string           `json:"metrics_url"`
		Settings     []settingJSON     `json:"settings"`
		Certificates []certificateJSON `json:"certificates"`
		Retention    []retentionJSON   `json:"retention"`
	}
	settingJSON struct {
		Name     string  `json:"name"`
		Value    *string `json:"value"`
		Secret   bool    `json:"secret"`
		Set      bool    `json:"set"`
		Source   string  `json:"source"`
		Variable string  `json:"variable"`
		Flag     *string `json:"flag"`
	}
	certificateJSON struct {
		Names     []string   `json:"names"`
		Source    string     `json:"source"`
		Issuer    *string    `json:"issuer"`
		ExpiresAt *timestamp `json:"expires_at"`
		Error     *string    `json:"error"`
	}
	retentionJSON struct {
		What    string `json:"what"`
		Setting string `json:"setting"`
		Secs    *int64 `json:"secs"`
		Kept    string `json:"kept"`
	}
	storageTestJSON struct {
		RecordType string    `json:"record_type"`
		TestedAt   timestamp `json:"tested_at"`
		OK         bool      `json:"ok"`
		Place      string    `json:"place"`
		Took       float64   `json:"took_ms"`
		Error      *string   `json:"error"`
	}
)

func renderSetting(s SystemSetting) settingJSON {
	out := settingJSON{Name: s.Name, Secret: s.Secret, Set: s.Set, Source: s.Source, Variable: s.Variable, Flag: optional(s.Flag)}
	if !s.Secret && s.Set {
		out.Value = &s.Value
	}
	return out
}

func renderCertificate(c SystemCertificate) certificateJSON {
	return certificateJSON{
		Names: listed(c.Names), Source: c.Source, Issuer: optional(c.Issuer), ExpiresAt: optionalTimestamp(c.ExpiresAt), Error: optional(c.Error),
	}
}

func renderRetention(r SystemRetention) retentionJSON {
	out := retentionJSON{What: r.What, Setting: r.Setting, Kept: "for_a_time"}
	switch {
	case r.Off:
		out.Kept = "not_at_all"
	case r.Time == 0:
		out.Kept = "for_ever"
	default:
		secs := int64(r.Time / time.Second)
		out.Secs = &secs
	}
	return out
}
