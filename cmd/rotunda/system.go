package main

import (
	"context"
	"crypto/x509"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// systems tells of the house over REST, and tries it out.
type systems struct{ *house }

// System is what the server is and how it is set.
func (s systems) System(context.Context) rest.System {
	c := s.config
	system := rest.System{
		Version: version, GoVersion: runtime.Version(), StartedAt: s.begun, Database: c.databasePlace(), MediaStore: c.mediaPlace(),
		Settings: c.inForce(), Certificates: s.certificates(), Retention: c.retention(),
	}
	if c.Metrics != "" && !strings.HasSuffix(c.Metrics, ":0") {
		system.MetricsURL = "http://" + c.Metrics + "/metrics"
	}
	return system
}

// storageTestTimeout is how long the place of media may take.
const storageTestTimeout = 15 * time.Second

// TestStorage writes an object where media stays, reads it back and deletes it.
func (s systems) TestStorage(ctx context.Context) rest.StorageTest {
	ctx, cancel := context.WithTimeout(ctx, storageTestTimeout)
	defer cancel()
	began := time.Now()
	err := s.objects.Check(ctx)
	return rest.StorageTest{Place: s.config.mediaPlace(), Took: time.Since(began), Err: err}
}

// certificates are those the public listener presents.
func (s systems) certificates() []rest.SystemCertificate {
	switch {
	case s.files != nil:
		return []rest.SystemCertificate{presented("file", s.files.current.Load().Leaf, nil)}
	case s.authority != nil:
		return s.authority.seen.all()
	}
	return nil
}

func presented(source string, leaf *x509.Certificate, fault error) rest.SystemCertificate {
	c := rest.SystemCertificate{Source: source}
	if leaf != nil {
		expires := leaf.NotAfter.UTC()
		c.Names, c.Issuer, c.ExpiresAt = leaf.DNSNames, leaf.Issuer.CommonName, &expires
		for _, ip := range leaf.IPAddresses {
			c.Names = append(c.Names, ip.String())
		}
		if fault == nil && time.Now().After(expires) {
			c.Error = "it has expired"
		}
	}
	if fault != nil {
		c.Error = fault.Error()
	}
	return c
}

// inspections are what was found of the certificates of domains.
type inspections struct {
	domains []string

	mu    sync.Mutex
	found map[string]rest.SystemCertificate // guarded by mu
}

func (i *inspections) note(domain string, leaf *x509.Certificate, fault error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found == nil {
		i.found = make(map[string]rest.SystemCertificate)
	}
	c := presented("acme", leaf, fault)
	if leaf == nil {
		c.Names = []string{domain}
	}
	i.found[domain] = c
}

func (i *inspections) all() []rest.SystemCertificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := make([]rest.SystemCertificate, len(i.domains))
	for n, domain := range i.domains {
		c, known := i.found[domain]
		if !known {
			c = rest.SystemCertificate{Source: "acme", Names: []string{domain}, Error: "it was not asked for yet"}
		}
		all[n] = c
	}
	return all
}

// retention is how long what is kept, where no room or account says otherwise.
func (c *Config) retention() []rest.SystemRetention {
	return []rest.SystemRetention{
		{What: "recordings and compositions", Setting: "recording_retention", Time: c.RecordingRetention},
		{What: "webhook deliveries and events of ended sessions", Setting: "history_retention", Time: c.HistoryRetention},
		{What: "figures of media quality", Setting: "quality_retention", Time: c.QualityRetention, Off: c.QualityRetention == 0},
		{What: "usage by room and day", Setting: "usage_retention", Time: c.UsageRetention},
	}
}
